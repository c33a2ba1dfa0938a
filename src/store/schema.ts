/** Layout of the database file, and how an older file becomes today's. */

/** `PRAGMA application_id` of a Pointsman store: "PMan" in ASCII. Another program's database is never touched. */
export const APPLICATION_ID = 0x504d616e

/**
 * Step n turns version n into n + 1 (`PRAGMA user_version`). Steps are only ever appended.
 *
 * - `entry`: the current value of every key. `revision` is that of the commit which wrote it.
 * - `counter`: one row, the last revision given out. It is kept apart so that a revision isn't used twice after a delete.
 * - `journal`: append-only; `id` is the order of writing.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE entry (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE counter (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL) STRICT;
   INSERT INTO counter VALUES (1, 0);
   CREATE TABLE journal (
     id INTEGER PRIMARY KEY, decision TEXT NOT NULL, at_ms INTEGER NOT NULL, trunk TEXT, type TEXT NOT NULL, data TEXT NOT NULL
   ) STRICT;
   CREATE INDEX journal_decision ON journal (decision);
   CREATE INDEX journal_trunk ON journal (trunk) WHERE trunk IS NOT NULL;
   CREATE INDEX journal_at ON journal (at_ms);`
]

/** Version that this program reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length
