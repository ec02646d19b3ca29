MODEL (
  name bronze.seed_model_prices,
  kind SEED (
    path '../../seeds/model_prices.csv'
  ),
  grain (model, valid_from, prompt_above),
  description 'List prices in USD per million tokens, those of transform.prices before the bundled ones. A model that is missing here has no cost.',
  columns (
    model TEXT,
    valid_from TEXT,
    prompt_above BIGINT,
    input DECIMAL(12, 6),
    output DECIMAL(12, 6),
    cache_write_5m DECIMAL(12, 6),
    cache_write_1h DECIMAL(12, 6),
    cache_read DECIMAL(12, 6),
    fast_factor DECIMAL(6, 3),
    region_factor DECIMAL(6, 3),
    listed_on TEXT
  ),
  column_descriptions (
    model = 'Name of the model without provider, date and version suffix.',
    valid_from = 'First day (yyyy-mm-dd, UTC) on which the price holds; NULL where it is unknown. The first prices of a model hold before it, too.',
    prompt_above = 'Tokens of the prompt (input, cache writes and reads of one request) above which the price holds, for the whole request; 0 for the ordinary price.',
    input = 'Input tokens.',
    output = 'Output tokens.',
    cache_write_5m = 'Tokens written to the cache for 5 minutes.',
    cache_write_1h = 'Tokens written to the cache for an hour.',
    cache_read = 'Tokens read from the cache.',
    fast_factor = 'Factor on all prices in fast mode; NULL for none.',
    region_factor = 'Factor on all prices where inference is kept in the US; NULL for none.',
    listed_on = 'Day (yyyy-mm-dd) on which the price was looked up; NULL where it is unknown.'
  ),
  audits (
    unique_combination_of_columns(columns := (model, valid_from, prompt_above)),
    not_null(columns := (model, prompt_above, input, output, cache_write_5m, cache_write_1h, cache_read))
  )
);
