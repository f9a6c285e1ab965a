"""The tables of the index. A change of any of them needs the next SCHEMA_VERSION: older indexes are then remade.

The columns of `runs` are the fields of `RunRow`; what is no single value is JSON in a text, which is parsed once where many
runs share it.
"""

from __future__ import annotations

import sqlalchemy as sa

SCHEMA_VERSION = 3

TABLES = sa.MetaData()
META = sa.Table(
    "trainband_index",
    TABLES,
    sa.Column("schema_version", sa.Integer, nullable=False),
    sa.Column("store_id", sa.String(64), nullable=False),
)
RUNS = sa.Table(
    "runs",
    TABLES,
    sa.Column("run_id", sa.String(255), nullable=False, unique=True),
    sa.Column("cell", sa.String(255), nullable=False),
    sa.Column("model", sa.String(255), nullable=False),
    sa.Column("tier", sa.String(64), nullable=False),
    sa.Column("profile", sa.String(255), nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("seed_role", sa.String(64), nullable=False),
    sa.Column("sweep_id", sa.String(255), index=True),
    sa.Column("sweep_index", sa.Integer),
    sa.Column("created", sa.String(40), nullable=False, index=True),
    sa.Column("outcome", sa.String(64), nullable=False),
    sa.Column("host_class", sa.Text, nullable=False),
    sa.Column("recipe_hash", sa.String(255)),
    sa.Column("faults", sa.Text, nullable=False),
    sa.Column("metrics", sa.Text, nullable=False),
    sa.Column("examples_per_sec", sa.Double),
    sa.Column("examples_per_cpu_sec", sa.Double),
    sa.Column("contended", sa.Text, nullable=False),
    sa.Column("wall_sec", sa.Double, nullable=False),
    sa.Column("environment", sa.Text, nullable=False),
    # The rows of a cell lie side by side, since they are asked for together; a run is known by its id alone all the same.
    sa.PrimaryKeyConstraint("cell", "created", "run_id"),
    sa.Index("runs_counted", "cell", "created"),  # small beside the rows, which a count need not read
    sqlite_with_rowid=False,
)
JUDGEMENTS = sa.Table(
    "judgements",
    TABLES,
    sa.Column("judgement_id", sa.String(255), primary_key=True),
    sa.Column("cell", sa.String(255), nullable=False),
    sa.Column("verdict", sa.String(64), nullable=False),
    sa.Column("sweep_id", sa.String(255)),
    sa.Column("created", sa.String(40), nullable=False, index=True),
    sa.Column("triggered_by", sa.String(255)),
    sa.Column("band_digest", sa.String(255)),
    sa.Column("records", sa.JSON, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
    # They have all that is counted and all that the history of a cell asks for.
    sa.Index("judgements_of_sweep", "sweep_id", "verdict"),
    sa.Index("judgements_of_cell", "cell", "created", "judgement_id", "triggered_by", "band_digest"),
)
RUNS_NEWEST_FIRST = (RUNS.c.created.desc(), RUNS.c.run_id.desc())
JUDGEMENTS_NEWEST_FIRST = (JUDGEMENTS.c.created.desc(), JUDGEMENTS.c.judgement_id.desc())
PROBLEMS = sa.Table(
    "problems",
    TABLES,
    sa.Column("path", sa.String(512), primary_key=True),
    sa.Column("message", sa.Text, nullable=False),
)
