"""rallax.fitting"""
