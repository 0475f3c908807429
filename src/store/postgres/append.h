/* The statement that makes a group durable; the benchmark runs it by itself, too. */
#ifndef STORE_POSTGRES_APPEND_H
#define STORE_POSTGRES_APPEND_H

/* $1, $2: the revision and group that it follows; $3, $4: its own; $5: the epoch; $6 to $9: keyspaces, keys, revisions
 * and contents, a NULL for what is deleted. Gives a row when it was done. */
#define APPEND                                                                                                         \
	"WITH h AS (UPDATE tsuru_broker.head SET revision = $3, last_group = $4"                                       \
	"  WHERE revision = $1 AND last_group = $2 AND epoch = $5 RETURNING 1),"                                       \
	" l AS (INSERT INTO tsuru_broker.log"                                                                          \
	"  (revision, last_group, follows, follows_group, epoch, keyspaces, keys, revisions, contents)"                \
	"  SELECT $3, $4, $1, $2, $5, $6, $7, $8, $9 FROM h),"                                                         \
	" r AS (INSERT INTO tsuru_broker.record (keyspace, key, revision, content)"                                    \
	"  SELECT u.keyspace, u.key, u.revision, u.content FROM h,"                                                    \
	"  unnest($6::text[], $7::bytea[], $8::int8[], $9::bytea[]) AS u (keyspace, key, revision, content)"           \
	"  WHERE u.content IS NOT NULL"                                                                                \
	"  ON CONFLICT (keyspace, key) DO UPDATE SET revision = excluded.revision, content = excluded.content),"       \
	" d AS (DELETE FROM tsuru_broker.record d USING h, unnest($6::text[], $7::bytea[], $9::bytea[])"               \
	"  AS u (keyspace, key, content) WHERE u.content IS NULL AND d.keyspace = u.keyspace AND d.key = u.key)"

#endif
