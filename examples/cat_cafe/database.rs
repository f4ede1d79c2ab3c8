//! Where orders are kept.

use std::path::Path;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

pub(crate) const SCHEMA: &str = "
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

/// Opens a file, or a database in memory where there is none.
pub(crate) async fn open(path: Option<&Path>) -> Result<SqlitePool, sqlx::Error> {
    let options = match path {
        Some(path) => SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal),
        None => SqliteConnectOptions::new().in_memory(true),
    };
    // SQLite has one writer at a time. With one connection the others wait in line, where several would be refused as busy;
    // and it is never closed in between, which would be the end of a database in memory.
    let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    pool.connect_with(options).await
}
