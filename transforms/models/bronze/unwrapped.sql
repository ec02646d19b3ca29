MODEL (
  name bronze.unwrapped,
  kind EMBEDDED,
  description 'Every landed document as one entry, its JSON as typed columns: no other model reads JSON. A document that wraps a sub-agent entry (progress of subtype agent_progress) counts as the entry it wraps.'
);

-- what a person reads of a content: a text, or texts and placeholders in blocks
@DEF(
  text_of,
  content -> CASE json_type(content)
    WHEN 'VARCHAR' THEN json_extract_string(content, '$')
    WHEN 'ARRAY' THEN list_aggregate(
      list_transform(
        TRY_CAST(content AS JSON[]),
        block -> CASE
          WHEN json_type(block) = 'VARCHAR' THEN json_extract_string(block, '$')
          WHEN json_extract_string(block, '$.type') = 'text' THEN json_extract_string(block, '$.text')
          WHEN json_extract_string(block, '$.type') = 'tool_use'
          THEN '[tool_use: ' || json_extract_string(block, '$.name') || ']'
          WHEN json_extract_string(block, '$.type') = 'tool_result' THEN '[tool_result]'
        END
      ),
      'string_agg',
      chr(10)
    )
    WHEN 'NULL' THEN NULL
    ELSE CAST(content AS TEXT)
  END
);
-- who caused an entry: the field is an object with a kind, or a text
@DEF(
  origin_of,
  origin -> CASE json_type(origin)
    WHEN 'OBJECT' THEN json_extract_string(origin, '$.kind')
    WHEN 'VARCHAR' THEN json_extract_string(origin, '$')
  END
);

@DEF(
  home_of,
  path -> NULLIF(
    regexp_extract(path, '^(?:(?:/mnt/[a-z])?/(?:home|Users)/|[A-Za-z]:[/\\]Users[/\\])([^/\\]+)', 1), ''
  )
);
WITH documents AS (
  SELECT
    *,
    -- parsing is expensive: only progress documents that may wrap an entry are parsed
    CASE
      WHEN type = 'progress' AND contains(entry_raw, 'agent_progress')
        AND json_extract_string(entry_raw, '$.data.type') = 'agent_progress'
        AND json_type(entry_raw, '$.data.message') = 'OBJECT'
      THEN json_extract(entry_raw, '$.data.message')
    END AS wrapped
  FROM raw.conversations
), chosen AS (
  SELECT
    *,
    wrapped IS NOT NULL AS is_wrapped,
    CASE
      WHEN wrapped IS NULL THEN message_raw
      WHEN json_type(wrapped, '$.message') NOT IN ('VARCHAR', 'NULL')
      THEN CAST(json_extract(wrapped, '$.message') AS TEXT)
    END AS own_message,
    json_transform(
      entry_raw,
      '{
        "entrypoint": "VARCHAR",
        "promptSource": "VARCHAR",
        "origin": "JSON",
        "planContent": "JSON",
        "isCompactSummary": "BOOLEAN",
        "userName": "VARCHAR",
        "machineName": "VARCHAR",
        "customTitle": "VARCHAR",
        "aiTitle": "VARCHAR",
        "summary": "VARCHAR",
        "leafUuid": "VARCHAR",
        "operation": "VARCHAR",
        "content": "JSON",
        "attachment": {"type": "VARCHAR", "commandMode": "VARCHAR", "prompt": "JSON", "origin": "JSON"},
        "toolUseResult": {
          "type": "VARCHAR",
          "searchCount": "UINTEGER",
          "structuredPatch": {"added": "UINTEGER", "removed": "UINTEGER"}
        },
        "data": {"agentId": "VARCHAR"}
      }'
    ) AS entry
  FROM documents
), parsed AS (
  SELECT
    *,
    json_transform(
      own_message,
      '{
        "id": "VARCHAR",
        "model": "VARCHAR",
        "content": [{
          "type": "VARCHAR",
          "id": "VARCHAR",
          "name": "VARCHAR",
          "input": {
            "file_path": "VARCHAR",
            "notebook_path": "VARCHAR",
            "content": "VARCHAR",
            "new_source": "VARCHAR",
            "old_string": "VARCHAR",
            "new_string": "VARCHAR",
            "edits": [{"old_string": "VARCHAR", "new_string": "VARCHAR"}]
          },
          "tool_use_id": "VARCHAR",
          "content": "VARCHAR",
          "is_error": "BOOLEAN"
        }],
        "usage": {
          "input_tokens": "UINTEGER",
          "output_tokens": "UINTEGER",
          "cache_creation_input_tokens": "UINTEGER",
          "cache_read_input_tokens": "UINTEGER",
          "cache_creation": {"ephemeral_5m_input_tokens": "UINTEGER", "ephemeral_1h_input_tokens": "UINTEGER"},
          "speed": "VARCHAR",
          "inference_geo": "VARCHAR",
          "server_tool_use": {"web_search_requests": "UINTEGER"},
          "iterations": [{
            "type": "VARCHAR",
            "model": "VARCHAR",
            "input_tokens": "UINTEGER",
            "output_tokens": "UINTEGER",
            "cache_creation_input_tokens": "UINTEGER",
            "cache_read_input_tokens": "UINTEGER",
            "cache_creation": {"ephemeral_5m_input_tokens": "UINTEGER", "ephemeral_1h_input_tokens": "UINTEGER"}
          }]
        }
      }'
    ) AS message
  FROM chosen
)
SELECT
  _id,
  CASE WHEN is_wrapped THEN json_extract_string(wrapped, '$.type') ELSE type END AS type,
  NULLIF(session_id, '') AS session_id,
  -- Windows names the same folder with either case of its drive letter
  CASE
    WHEN regexp_matches(project_id, '^[a-z]--') THEN upper(left(project_id, 1)) || substr(project_id, 2)
    ELSE project_id
  END AS project_id,
  CASE
    WHEN is_wrapped
    THEN COALESCE(TRY_CAST(json_extract_string(wrapped, '$.timestamp') AS TIMESTAMPTZ), timestamp)
    ELSE timestamp
  END AS timestamp,
  ingested_at,
  CASE
    WHEN NOT is_wrapped THEN message_content
    WHEN json_type(wrapped, '$.message') = 'VARCHAR' THEN json_extract_string(wrapped, '$.message')
    ELSE @text_of(json_extract(wrapped, '$.message.content'))
  END AS message_content,
  own_message AS message_raw,
  source_file,
  NULLIF(CASE WHEN is_wrapped THEN json_extract_string(wrapped, '$.uuid') ELSE uuid END, '') AS uuid,
  CASE WHEN NOT is_wrapped THEN NULLIF(parent_uuid, '') END AS parent_uuid,
  NULLIF(
    CASE WHEN is_wrapped THEN json_extract_string(wrapped, '$.requestId') ELSE request_id END, ''
  ) AS request_id,
  CASE WHEN is_wrapped THEN entry['data']['agentId'] ELSE agent_id END AS agent_id,
  is_wrapped OR COALESCE(is_sidechain, FALSE) AS is_sidechain,
  NOT is_wrapped AND COALESCE(is_meta, FALSE) AS is_meta,
  cwd,
  git_branch,
  claude_version,
  CASE WHEN NOT is_wrapped THEN entry_raw END AS entry_raw,
  COALESCE(
    regexp_matches(source_file, '(^|[/\\])agent-(acompact|aside_question)-'), FALSE
  ) AS is_copy,
  entry['entrypoint'] AS entrypoint,
  entry['promptSource'] AS prompt_source,
  @origin_of(entry['origin']) AS origin,
  NOT is_wrapped AND COALESCE(json_type(entry['planContent']) <> 'NULL', FALSE) AS has_plan,
  NOT is_wrapped AND COALESCE(entry['isCompactSummary'], FALSE) AS is_compact_summary,
  COALESCE(NULLIF(entry['userName'], ''), @home_of(cwd), @home_of(source_file)) AS user_name,
  NULLIF(entry['machineName'], '') AS machine_name,
  COALESCE(
    NULLIF(TRIM(entry['customTitle']), ''), NULLIF(TRIM(entry['aiTitle']), ''), NULLIF(TRIM(entry['summary']), '')
  ) AS title,
  entry['leafUuid'] AS leaf_uuid,
  CASE
    WHEN type = 'queue-operation' AND entry['operation'] IN ('enqueue', 'popAll') THEN entry['operation']
    WHEN type = 'attachment' AND entry['attachment']['type'] = 'queued_command'
      AND entry['attachment']['commandMode'] = 'prompt'
      AND COALESCE(@origin_of(entry['attachment']['origin']), 'human') = 'human'
    THEN 'attachment'
  END AS queued_by,
  CASE type
    WHEN 'queue-operation' THEN @text_of(entry['content'])
    WHEN 'attachment' THEN @text_of(entry['attachment']['prompt'])
  END AS queued_text,
  CASE WHEN NOT is_wrapped THEN entry['toolUseResult'] END AS result,
  message['id'] AS message_id,
  message['model'] AS model,
  message['usage'] AS usage,
  list_transform(
    COALESCE(message['content'], []),
    (block, place) -> {
      'place': place,
      'type': block['type'],
      'id': COALESCE(block['id'], block['tool_use_id']),
      'name': block['name'],
      'file_path': COALESCE(block['input']['file_path'], block['input']['notebook_path']),
      'edits': CASE
        WHEN block['name'] IN ('Edit', 'MultiEdit', 'Write', 'NotebookEdit')
        THEN list_transform(
          list_transform(
            CASE block['name']
              WHEN 'Edit' THEN [[block['input']['old_string'], block['input']['new_string']]]
              WHEN 'MultiEdit' THEN list_transform(
                block['input']['edits'], edit -> [edit['old_string'], edit['new_string']]
              )
              WHEN 'Write' THEN [['', block['input']['content']]]
              WHEN 'NotebookEdit' THEN [['', block['input']['new_source']]]
            END,
            texts -> list_transform(
              texts,
              text -> CASE
                WHEN COALESCE(text, '') = '' THEN CAST([] AS TEXT[])
                -- the last line may lack its newline
                ELSE string_split(regexp_replace(text, '\n$', ''), chr(10))
              END
            )
          ),
          lines -> {
            'old': len(lines[1]),
            'new': len(lines[2]),
            -- an edit repeats what stands around it; a line must not count as equal from both ends
            'equal': LEAST(
              len(lines[1]),
              len(lines[2]),
              CAST(
                list_sum(
                  list_transform(
                    [lines, [list_reverse(lines[1]), list_reverse(lines[2])]],
                    way -> COALESCE(
                      list_position(list_transform(list_zip(way[1], way[2], TRUE), pair -> pair[1] = pair[2]), FALSE) - 1,
                      LEAST(len(way[1]), len(way[2]))
                    )
                  )
                ) AS BIGINT
              )
            )
          }
        )
      END,
      'is_error': COALESCE(block['is_error'], FALSE),
      'size': COALESCE(length(block['content']), 0),
      'error_text': CASE
        WHEN block['is_error'] AND starts_with(block['content'], '[{') AND json_valid(block['content'])
        THEN left(
          list_aggregate(
            list_transform(TRY_CAST(block['content'] AS JSON[]), part -> CAST(json_extract_string(part, '$.text') AS TEXT)),
            'string_agg',
            chr(10)
          ),
          500
        )
        WHEN block['is_error'] THEN left(block['content'], 500)
      END
    }
  ) AS blocks
FROM parsed
