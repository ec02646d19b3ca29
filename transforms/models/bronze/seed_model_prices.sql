MODEL (
  name bronze.seed_model_prices,
  kind SEED (
    path '../../seeds/model_prices.csv'
  ),
  grain (model, valid_from),
  description 'List prices in USD per million tokens. A model that is missing here has no cost.',
  columns (
    model TEXT,
    valid_from TEXT,
    input DECIMAL(12, 4),
    output DECIMAL(12, 4),
    cache_write_5m DECIMAL(12, 4),
    cache_write_1h DECIMAL(12, 4),
    cache_read DECIMAL(12, 4),
    above_200k DECIMAL(4, 2),
    listed_on TEXT
  ),
  column_descriptions (
    model = 'Name of the model without provider, date and version suffix.',
    valid_from = 'First day (yyyy-mm-dd, UTC) on which the price holds; NULL where it is unknown. The first price of a model holds before it, too.',
    input = 'Input tokens.',
    output = 'Output tokens.',
    cache_write_5m = 'Tokens written to the cache for 5 minutes.',
    cache_write_1h = 'Tokens written to the cache for an hour.',
    cache_read = 'Tokens read from the cache.',
    above_200k = 'Factor on the price of the input of a kind that lies above 200,000 tokens.',
    listed_on = 'Day (yyyy-mm-dd) on which the price was looked up.'
  ),
  audits (
    unique_combination_of_columns(columns := (model, valid_from)),
    not_null(
      columns := (
        model, input, output, cache_write_5m, cache_write_1h, cache_read, above_200k, listed_on
      )
    )
  )
);
