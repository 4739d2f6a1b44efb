"""rallax.storage"""
