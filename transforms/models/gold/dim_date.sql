MODEL (
  name gold.dim_date,
  kind CUSTOM (
    materialization 'by_change'
  ),
  grain (date_key),
  description 'One row per day, without gaps from 2020 to 2099, from the first entry to the last, in the configured time zone.',
  audits (
    unique_combination_of_columns(columns := (date_key)),
    unique_combination_of_columns(columns := (date)),
    not_null(columns := (date_key, date))
  )
);

WITH active AS (
  SELECT DISTINCT date
  FROM bronze.stg_conversations
  WHERE date IS NOT NULL
), believable AS (
  -- a wrong clock must not add centuries of days
  SELECT MIN(date) AS first_date, MAX(date) AS last_date
  FROM active
  WHERE date BETWEEN '2020-01-01' AND '2099-12-31'
), days AS (
  SELECT CAST(day AS DATE) AS date
  FROM (
    SELECT UNNEST(generate_series(first_date, last_date, INTERVAL '1' DAY)) AS day
    FROM believable
  )
  UNION
  SELECT date
  FROM active
)
SELECT
  CAST(strftime(date, '%Y%m%d') AS INTEGER) AS date_key, -- Day as the number yyyymmdd.
  date, -- Day.
  CAST(year(date) AS INTEGER) AS year, -- Year.
  CAST(quarter(date) AS INTEGER) AS quarter, -- Quarter 1 to 4.
  CAST(month(date) AS INTEGER) AS month, -- Month 1 to 12.
  monthname(date) AS month_name, -- Name of the month, in English.
  CAST(week(date) AS INTEGER) AS week, -- ISO week 1 to 53.
  CAST(day(date) AS INTEGER) AS day_of_month, -- Day of the month.
  CAST(isodow(date) - 1 AS INTEGER) AS day_of_week, -- Day 0 (Monday) to 6 (Sunday).
  dayname(date) AS day_name, -- Name of the day, in English.
  isodow(date) >= 6 AS is_weekend -- Whether it is a Saturday or a Sunday.
FROM days
