/* The server says of a role's dependencies in which database they are and of what kind; their names only to somebody in
 * there, and that database may be another tenant's, full or shut. So the sentence names the database and the kind, and
 * the statements that an operator gives in it. What is the whole server's (databases, tablespaces, parameters) is named
 * in full. A right that is being granted is in no catalog yet: then whoever has the role locked is named. */
#include "behind.h"

#define KIND                                                                                                           \
	"CASE s.classid::regclass::text WHEN 'pg_class' THEN 'a table, a view or a sequence' WHEN 'pg_proc' THEN"      \
	" 'a function' WHEN 'pg_namespace' THEN 'a schema' WHEN 'pg_largeobject' THEN 'a large object' WHEN"           \
	" 'pg_default_acl' THEN 'default privileges' WHEN 'pg_extension' THEN 'an extension' ELSE 'a ' || replace("    \
	"substr(s.classid::regclass::text, 4), '_', ' ') END"

/* Three kinds: the sentence has an end. "it owns a schema, has rights on a function in the database shop; ..." */
#define INSIDE                                                                                                         \
	"SELECT format('it %%s in the database %%I; in there as a superuser: REASSIGN OWNED BY %%I TO %%I; DROP OWNED" \
	" BY %%I', array_to_string((array_agg(DISTINCT CASE s.deptype WHEN 'o' THEN 'owns ' WHEN 'a' THEN 'has rights" \
	" on ' ELSE 'is named by ' END || " KIND "))[1:3], ', '), d.datname, r.rolname, pg_get_userbyid(d.datdba),"    \
	" r.rolname) FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid WHERE s.refclassid ="                     \
	" 'pg_authid'::regclass AND s.refobjid = r.oid GROUP BY d.datname, d.datdba"

/* "it has rights on the tablespace fast; as a superuser: REVOKE ALL ON TABLESPACE fast FROM web". */
#define SHARED                                                                                                         \
	"SELECT CASE WHEN s.classid = 'pg_auth_members'::regclass THEN format('it granted the %%s: take that back as"  \
	" a superuser, GRANTED BY %%I', o.identity, r.rolname) WHEN s.deptype = 'o' THEN format('it owns the %%s %%s;" \
	" as a superuser: ALTER %%s %%s OWNER TO another role', o.kind, o.identity, upper(o.kind), o.identity) ELSE"   \
	" format('it has rights on the %%s %%s; as a superuser: REVOKE ALL ON %%s %%s FROM %%I', o.kind, o.identity,"  \
	" upper(o.kind), o.identity, r.rolname) END"                                                                   \
	" FROM pg_shdepend s, LATERAL (SELECT replace(type, ' ACL', '') AS kind, identity"                             \
	" FROM pg_identify_object(s.classid, s.objid, s.objsubid)) o WHERE s.refclassid = 'pg_authid'::regclass"       \
	" AND s.refobjid = r.oid AND s.dbid = 0"

#define LOCKED                                                                                                         \
	"SELECT format('%%s is changing what it has', CASE WHEN a.usename IS NOT NULL THEN format('\"%%s\" of %%I',"   \
	" a.application_name, a.usename) WHEN x.gid IS NOT NULL THEN format('the prepared transaction %%L of %%I',"    \
	" x.gid, x.owner) ELSE 'somebody' END) FROM pg_locks l LEFT JOIN"                                              \
	" pg_stat_activity a ON a.pid = l.pid LEFT JOIN pg_prepared_xacts x ON l.virtualtransaction = '-1/' ||"        \
	" x.transaction WHERE l.locktype = 'object' AND l.classid = 'pg_authid'::regclass AND l.objid = r.oid"         \
	" AND l.pid IS DISTINCT FROM pg_backend_pid()"

void behind_add_sentences(struct sql *sql, const char *condition)
{
	sql_add(sql, "SELECT format('the role %%I stays behind, shut: %%s%%s', r.rolname, coalesce(f.first,"
	             " 'nothing holds it any more; DROP ROLE ' || quote_ident(r.rolname)), CASE WHEN f.count > 1 THEN"
	             " format(' (and %%s more)', f.count - 1) ELSE '' END) FROM pg_roles r LEFT JOIN LATERAL (SELECT"
	             " min(told) AS first, count(*) FROM ((" INSIDE ")\nUNION ALL (" SHARED ")\nUNION ALL (" LOCKED
	             ")) one (told)) f ON true WHERE ");
	sql_add(sql, "%s", condition);
}
