//! Where orders are taken: the routes of the server.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use events::tower::EventsLayer;
use events::{DispatchError, Lifespan, dispatch};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::kitchen::OrderPlaced;
use crate::tell;

/// How long a client may be silent in the middle of a request.
const SILENCE: Duration = Duration::from_secs(5);

pub(crate) fn router(app: Lifespan, pool: Arc<SqlitePool>) -> Router {
    // A panic must have a status too, or its events would be delivered.
    let scope = EventsLayer::new(app.clone()).discard_if(|status| status.is_server_error());
    Router::new()
        .route("/orders", post(place))
        .route("/orders/{id}", get(show))
        .with_state(pool)
        .layer(CatchPanicLayer::new())
        .layer(scope)
        .layer(RequestBodyTimeoutLayer::new(SILENCE))
        .layer(from_fn_with_state(app, finish))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrder {
    cat: String,
    fish: u32,
}

#[derive(Serialize)]
struct Placed {
    id: i64,
}

async fn place(
    State(pool): State<Arc<SqlitePool>>,
    Json(NewOrder { cat, fish }): Json<NewOrder>,
) -> Result<(StatusCode, Json<Placed>), Refusal> {
    let mut transaction = pool.begin().await?;
    let insert = sqlx::query("INSERT INTO orders (cat, fish) VALUES (?, ?)").bind(&cat).bind(fish);
    let id = insert.execute(&mut *transaction).await?.last_insert_rowid();
    // An event that is refused takes its order with it, and a commit that fails its event.
    dispatch(OrderPlaced { order: id, cat, fish })?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, Json(Placed { id })))
}

#[derive(Serialize)]
struct Order {
    id: i64,
    cat: String,
    fish: u32,
    state: String,
    cents: Option<u32>,
}

async fn show(State(pool): State<Arc<SqlitePool>>, Path(id): Path<i64>) -> Result<Json<Order>, Refusal> {
    let select = "SELECT cat, fish, state, cents FROM orders LEFT JOIN bills ON order_id = id WHERE id = ?";
    let order = sqlx::query_as(select).bind(id).fetch_optional(&*pool).await?;
    let (cat, fish, state, cents) = order.ok_or(Refusal::NoOrder(id))?;
    Ok(Json(Order { id, cat, fish, state, cents }))
}

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("there is no order {0}")]
    NoOrder(i64),
    #[error(transparent)]
    Dispatch(#[from] DispatchError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        use sqlx::Error::{PoolClosed, PoolTimedOut};
        match self {
            Self::NoOrder(_) => (StatusCode::NOT_FOUND, self.to_string()).into_response(),
            Self::Dispatch(DispatchError::Invalid { errors, .. }) => {
                (StatusCode::UNPROCESSABLE_ENTITY, errors.to_string()).into_response()
            }
            Self::Dispatch(DispatchError::Full { .. } | DispatchError::Closed { .. })
            | Self::Database(PoolTimedOut | PoolClosed) => {
                (StatusCode::SERVICE_UNAVAILABLE, "the café is full, or closed").into_response()
            }
            Self::Dispatch(_) | Self::Database(_) => {
                tell(format_args!("a request failed: {self}"));
                (StatusCode::INTERNAL_SERVER_ERROR, "the café has a problem").into_response()
            }
        }
    }
}

/// Lets a request come to its end without its client. The server drops the work of a client that goes away wherever it
/// stands, be it in the middle of a commit, of which nobody would know then what became of it.
async fn finish(State(app): State<Lifespan>, request: Request, next: Next) -> Response {
    match app.spawn(next.run(request)) {
        Ok(task) => task.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        Err(closed) => (StatusCode::SERVICE_UNAVAILABLE, closed.to_string()).into_response(),
    }
}
