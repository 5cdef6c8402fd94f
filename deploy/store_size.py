"""How much room a table takes: rows, parts, bytes for each row, and how well its columns are packed."""

from clickhouse_connect.driver.client import Client

_SIZES = """
SELECT sum(rows), sum(data_compressed_bytes), sum(data_uncompressed_bytes), sum(bytes_on_disk), count() FROM system.parts
WHERE active AND database = currentDatabase() AND table = {table:String}
"""


def table_size(client: Client, table: str) -> str:
    """Return the size of a table as a line. Raises ClickHouseError."""
    rows, packed, plain, disk, parts = client.query(_SIZES, {"table": table}).result_rows[0]
    if not rows:
        return f"{table}: empty"
    smaller = f"columns {plain / packed:.1f} times smaller than unpacked"
    return f"{table}: {rows:,} rows in {parts} parts, {disk / rows:.0f} bytes each on disk, {smaller}"
