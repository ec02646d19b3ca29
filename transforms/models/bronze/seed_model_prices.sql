MODEL (
  name bronze.seed_model_prices,
  kind SEED (
    path '../../seeds/model_prices.csv'
  ),
  description 'List prices in USD per million tokens. A model that is missing here has no cost.',
  columns (
    model TEXT,
    input DOUBLE,
    output DOUBLE,
    cache_write_5m DOUBLE,
    cache_write_1h DOUBLE,
    cache_read DOUBLE,
    above_200k DOUBLE
  ),
  column_descriptions (
    model = 'Name of the model without provider, date and version suffix.',
    input = 'Input tokens.',
    output = 'Output tokens.',
    cache_write_5m = 'Tokens written to the cache for 5 minutes.',
    cache_write_1h = 'Tokens written to the cache for an hour.',
    cache_read = 'Tokens read from the cache.',
    above_200k = 'Factor on the price of what lies above 200,000 tokens.'
  ),
  audits (
    unique_combination_of_columns(columns := (model)),
    not_null(columns := (model, input, output, cache_write_5m, cache_write_1h, cache_read, above_200k))
  )
);
