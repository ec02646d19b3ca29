"""What validations leave behind: how each check ended, and how many rows each day had."""

from __future__ import annotations

CREATE_QUALITY = """
    CREATE SCHEMA IF NOT EXISTS quality;
    CREATE TABLE IF NOT EXISTS quality.results (
        run VARCHAR NOT NULL,
        validated_at TIMESTAMPTZ NOT NULL,
        check_name VARCHAR NOT NULL,
        layer VARCHAR NOT NULL,
        table_name VARCHAR NOT NULL,
        severity VARCHAR NOT NULL,
        tolerated DOUBLE NOT NULL,
        rows BIGINT NOT NULL,
        failing BIGINT NOT NULL,
        outcome VARCHAR NOT NULL
    );
    CREATE TABLE IF NOT EXISTS quality.partitions (
        date DATE NOT NULL,
        rows BIGINT NOT NULL
    );
    COMMENT ON TABLE quality.results IS 'One row per check of each validation.';
    COMMENT ON COLUMN quality.results.run IS 'The run that validated.';
    COMMENT ON COLUMN quality.results.validated_at IS 'When its validation began.';
    COMMENT ON COLUMN quality.results.severity IS 'error or warning: what a failure was.';
    COMMENT ON COLUMN quality.results.tolerated IS 'The share of rows, 0 to 1, that could fail untold.';
    COMMENT ON COLUMN quality.results.rows IS 'Rows looked at.';
    COMMENT ON COLUMN quality.results.failing IS 'Rows that failed.';
    COMMENT ON COLUMN quality.results.outcome IS 'passed, warned or failed.';
    COMMENT ON TABLE quality.partitions IS 'Rows of each day in raw.conversations at the last validation.';
"""
