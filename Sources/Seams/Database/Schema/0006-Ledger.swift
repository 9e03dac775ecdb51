extension Migration {
    /// What every attempt at a provider used and cost, sums of it by the hour, and how far each reader has come.
    ///
    /// No column points at another table: what was used stays known when its group, key or credential is gone.
    static let ledger = Migration(
        version: 6,
        name: "ledger",
        statements: [
            """
            CREATE TABLE meter_epochs (
                epoch \(.integer) NOT NULL PRIMARY KEY,
                instance TEXT NOT NULL,
                started_at \(.integer) NOT NULL,
                closed_at \(.integer)
            ) \(.strict)
            """,
            """
            CREATE TABLE journal_cursors (
                epoch \(.integer) NOT NULL PRIMARY KEY,
                segment \(.integer) NOT NULL,
                byte_offset \(.integer) NOT NULL
            ) \(.strict)
            """,
            Self.ledgerTable,
            "CREATE UNIQUE INDEX ledger_attempts ON ledger (attempt_id)",
            "CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger \(.refuse)",
            "CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger \(.refuse)",
            """
            CREATE TABLE ledger_head (
                id \(.integer) NOT NULL PRIMARY KEY CHECK (id = 1),
                seq \(.integer) NOT NULL,
                hash \(.blob) NOT NULL
            ) \(.strict)
            """,
            Self.usageHoursTable,
            """
            CREATE TABLE event_cursors (
                topic TEXT NOT NULL PRIMARY KEY,
                seq \(.integer) NOT NULL
            ) \(.strict)
            """,
        ]
    )

    /// One row an attempt, in the order in which they were recorded.
    ///
    /// A correction has no attempt of its own; it names the one it corrects, and its figures are differences.
    private static let ledgerTable: SQL = """
        CREATE TABLE ledger (
            seq \(.integer) NOT NULL PRIMARY KEY,
            kind TEXT NOT NULL CHECK (kind IN ('attempt', 'correction')),
            attempt_id \(.integer),
            corrects \(.integer),
            request_id TEXT NOT NULL,
            first_attempt \(.integer),
            number \(.integer) NOT NULL,
            started_at \(.integer) NOT NULL,
            ended_at \(.integer) NOT NULL,
            group_id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            key_id TEXT NOT NULL,
            agent_id TEXT NOT NULL,
            model TEXT NOT NULL,
            operation TEXT NOT NULL,
            provider TEXT NOT NULL,
            upstream_model TEXT NOT NULL,
            credential_id TEXT NOT NULL,
            variant TEXT NOT NULL,
            is_stream \(.integer) NOT NULL CHECK (is_stream IN (0, 1)),
            input_estimate \(.integer) NOT NULL,
            output_max \(.integer),
            reserved \(.integer) NOT NULL,
            outcome TEXT NOT NULL,
            usage_source TEXT NOT NULL,
            upstream_status \(.integer) NOT NULL,
            code TEXT NOT NULL,
            first_content_ms \(.integer),
            input_tokens \(.integer),
            output_tokens \(.integer),
            cached_input_tokens \(.integer),
            cache_write_tokens \(.integer),
            reasoning_tokens \(.integer),
            audio_input_tokens \(.integer),
            audio_output_tokens \(.integer),
            images \(.integer),
            reported_cost \(.integer),
            cost \(.integer) NOT NULL,
            charged \(.integer) NOT NULL,
            is_charged \(.integer) NOT NULL CHECK (is_charged IN (0, 1)),
            rates TEXT NOT NULL,
            metadata TEXT NOT NULL,
            hash \(.blob) NOT NULL,
            CHECK ((kind = 'attempt') = (attempt_id IS NOT NULL)),
            CHECK ((kind = 'correction') = (corrects IS NOT NULL))
        ) \(.strict)
        """

    /// Sums of the ledger for each hour and everything a report groups by; `hour` is when the hour began.
    private static let usageHoursTable: SQL = """
        CREATE TABLE usage_hours (
            hour \(.integer) NOT NULL,
            group_id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            key_id TEXT NOT NULL,
            agent_id TEXT NOT NULL,
            model TEXT NOT NULL,
            operation TEXT NOT NULL,
            provider TEXT NOT NULL,
            upstream_model TEXT NOT NULL,
            credential_id TEXT NOT NULL,
            variant TEXT NOT NULL,
            attempts \(.integer) NOT NULL,
            calls \(.integer) NOT NULL,
            ok \(.integer) NOT NULL,
            failed \(.integer) NOT NULL,
            charged_calls \(.integer) NOT NULL,
            charged_tokens \(.integer) NOT NULL,
            input_tokens \(.integer) NOT NULL,
            output_tokens \(.integer) NOT NULL,
            cached_input_tokens \(.integer) NOT NULL,
            cache_write_tokens \(.integer) NOT NULL,
            reasoning_tokens \(.integer) NOT NULL,
            audio_input_tokens \(.integer) NOT NULL,
            audio_output_tokens \(.integer) NOT NULL,
            images \(.integer) NOT NULL,
            cost \(.integer) NOT NULL,
            charged \(.integer) NOT NULL,
            source_provider \(.integer) NOT NULL,
            source_partial \(.integer) NOT NULL,
            source_estimated \(.integer) NOT NULL,
            source_none \(.integer) NOT NULL,
            min_seq \(.integer) NOT NULL,
            max_seq \(.integer) NOT NULL,
            PRIMARY KEY (hour, group_id, user_id, key_id, agent_id, model, operation, provider, upstream_model,
                credential_id, variant)
        ) \(.clustered)
        """
}
