"""The landing folder: Parquet files by day, and the ledger of those that were loaded."""
