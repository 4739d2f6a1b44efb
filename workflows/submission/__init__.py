"""A job sent to a Ray cluster through its Jobs API: the package that travels, the entry point, and what follows it.

`wheel` and `package` make what is uploaded, `location` says where the run lies there, `submit` joins them, `ray_jobs`
is the one file that speaks to the cluster.
"""
