"""rallax.workflows"""
