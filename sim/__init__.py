"""rallax.sim"""
