"""How much the readers of jobs and recordings take: every limit, each with its reason.

What lies beyond one of them is refused in one line, before memory or time is spent on it. They are generous for what
a laboratory has: a recording of two hours at 50 kHz has 3.6e8 samples. Limits of reconstructions are in
`rallax.sim.morphology.limits`, of runs in `rallax.storage.limits`.
"""

from __future__ import annotations

from typing import Final

JOB_BYTES: Final = 2**20
"""A job file. A page is 5 kB; seven thousand tables of sweeps fit."""

KEY_PARTS: Final = 32
"""Parts of a dotted key in TOML: the job has five levels, and the parser's time grows with the square of the parts."""

FAULTS: Final = 100
"""Lines of faults that are told of one job. More than a screen of them nobody reads."""

SOURCE_BYTES: Final = 16 * 2**20
"""A Python file that a job names. The longest modules of scientific packages have one megabyte."""

RESOLVED_BYTES: Final = 64 * 2**20
"""A run's resolved.json: a job, and 200 bytes for each of its files."""

SAMPLES: Final = 5 * 10**8
"""Of one recording: two hours at 50 kHz and some more; 4 GB as they are held."""

BINARY_BYTES: Final = 8 * SAMPLES + 64 * 2**20
"""An Igor wave of so many float64 samples, with its header and notes."""

WAVE_NOTE_BYTES: Final = 16 * 2**20
"""Notes, formulas and labels of an Igor wave: text that acquisition programs write, some kilobytes."""

TEXT_BYTES: Final = 32 * SAMPLES
"""A text table: a time and a value of ten to fifteen characters each in a line."""

LINE_CHARACTERS: Final = 2**16
"""Of one line of a text table: some thousand columns."""

CHUNKS: Final = 200_000
"""Chunks of a Zarr recording, those inside shards as well. zarr takes 0.1 ms for each."""

ZARR_JSON_BYTES: Final = 2**24
"""A zarr.json: attributes are a page of text, consolidated metadata a kilobyte for each array."""

ZARR_FILES: Final = 2 * CHUNKS
"""Files below a Zarr recording, all of which are hashed."""

STEPS: Final = 4 * 10**8
"""Time steps of one sweep: two hours at 0.025 ms and some more."""
