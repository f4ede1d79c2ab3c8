//! Where orders are kept.

use events::{State, Teardown, on, provide};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{SqlitePool, SqliteTransaction};

use crate::arguments::Config;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS orders (
        id INTEGER PRIMARY KEY,
        cat TEXT NOT NULL,
        fish INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'placed'
    );
    CREATE TABLE IF NOT EXISTS bills (
        order_id INTEGER PRIMARY KEY REFERENCES orders,
        cents INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS audit (
        event TEXT PRIMARY KEY,
        chain TEXT NOT NULL,
        name TEXT NOT NULL,
        payload TEXT NOT NULL,
        at INTEGER NOT NULL DEFAULT (unixepoch())
    );
";

/// Opens a file, or a database in memory where there is none, and closes it behind the last event.
#[provide(lifespan)]
pub(crate) async fn pool(config: State<Config>, teardown: Teardown) -> Result<SqlitePool, String> {
    let options = match &config.database {
        Some(path) => SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal),
        None => SqliteConnectOptions::new().in_memory(true),
    };
    let file = options.get_filename().display().to_string();
    // SQLite has one writer at a time. With one connection the others wait in line, where several would be refused as busy;
    // and it is never closed in between, which would be the end of a database in memory.
    let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = pool.connect_with(options).await.map_err(|error| format!("cannot open {file}: {error}"))?;
    let closing = pool.clone();
    teardown.register(async move |_| closing.close().await);
    Ok(pool)
}

#[on(startup)]
async fn create_tables(#[depends(pool)] pool: &SqlitePool) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(SCHEMA).execute(pool).await?;
    Ok(())
}

/// What one call does to the database. It is undone unless the call commits it.
///
/// Handlers take it by value and commit it before they return an event, so that no event tells of what was not committed.
pub(crate) type Transaction = SqliteTransaction<'static>;

#[provide]
pub(crate) async fn transaction(#[depends(pool)] pool: &SqlitePool) -> Result<Transaction, sqlx::Error> {
    pool.begin().await
}
