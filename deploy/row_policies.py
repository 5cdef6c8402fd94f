"""Row policies for ClickHouse servers that several tenants' own users read: the scope that --tenant gives, held by the server.

The local engine has no users, so nothing here was run on a server: the tests hold that every table with a tenant is covered and
that the engine's parser takes each statement. Free SQL becomes safe for a tenant's user, `merge()` and the like included,
because a policy belongs to the table and not to the statement. It needs custom_settings_prefixes to have SQL_ in the server's
configuration, which is ClickHouse's default.

What a policy changes: `missing` and `conflicts` look at all numbers of a stream. A user who sees one tenant sees holes where
other tenants' events are; these two are for operators there.
"""

from typing import Final

from .migrate_cluster import quoted

TABLES: Final = ("events", "usage", "session_index", "removals")
"""Every table that has a tenant_id. The views read them with the rights of who asks, so the policies hold there, too."""

VIEWS: Final = ("trail", "reads", "usage_daily", "usage_by_principal")
ROLE: Final = "langtrail_tenant"
SETTING: Final = "SQL_langtrail_tenant"
OF_ITS_TENANT: Final = f"tenant_id = getSetting('{SETTING}')"


def row_policies(database: str, cluster: str | None = None) -> list[str]:
    """Return the statements that make the role of tenants' readers and let it see the rows of its one tenant.

    Everyone else (the sink, operators) sees all rows as before. Safe to run again. A reader without the setting sees nothing:
    the server answers with an error.
    """
    clause = _on(cluster)
    made = [f"CREATE ROLE IF NOT EXISTS {ROLE}{clause}"]
    for table in TABLES:
        name = f"{quoted(database)}.{quoted(table)}"
        policies = {"langtrail_tenant": (OF_ITS_TENANT, ROLE), "langtrail_operators": ("1", f"ALL EXCEPT {ROLE}")}
        for policy, (condition, readers) in policies.items():
            made.append(f"CREATE ROW POLICY OR REPLACE {policy}{clause} ON {name} FOR SELECT USING {condition} TO {readers}")
    grants = ", ".join(f"SELECT ON {quoted(database)}.{quoted(name)}" for name in (*TABLES, *VIEWS))
    return [*made, f"GRANT{clause} {grants} TO {ROLE}"]


def tenant_role(tenant: str, cluster: str | None = None) -> list[str]:
    """Return the statements that make the role of one tenant's readers, langtrail_tenant_ID: grant it to their users.

    The tenant is a setting that they cannot change, and they can only read.
    """
    clause, role = _on(cluster), quoted(f"{ROLE}_{tenant}")
    literal = "'" + tenant.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return [
        f"CREATE ROLE IF NOT EXISTS {role}{clause} SETTINGS {SETTING} = {literal} CONST, readonly = 1 CONST",
        f"GRANT{clause} {ROLE} TO {role}",
    ]


def _on(cluster: str | None) -> str:
    return f" ON CLUSTER {quoted(cluster)}" if cluster else ""
