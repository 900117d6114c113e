//! The OpenAPI document, collected from what stands beside each handler.

use std::sync::LazyLock;

use utoipa::OpenApi;

use super::{catalogue, chain, documents, money, orders, schema, system, transactions};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "KEIS node",
        description = "The public door of one institution's node of the culture passport's ledger. Amounts are whole cents, times are \
            milliseconds since 1970 (UTC), ids are prefixed lower-case hexadecimal. A submission is acknowledged when its receipt is \
            answered: the block is decided, and durable on this node.",
        license(name = "EUPL-1.2", identifier = "EUPL-1.2"),
    ),
    paths(
        transactions::submit,
        transactions::look_up,
        transactions::receipt,
        system::status,
        chain::headers,
        chain::header,
        chain::certificate,
        chain::parameters,
        money::funds,
        money::orders,
        orders::order,
        orders::block_receipts,
        catalogue::services,
        catalogue::service,
        catalogue::sessions,
        documents::put,
        documents::get,
        system::step,
        system::openapi,
        system::live,
        system::ready,
        system::metrics,
    ),
    components(schemas(schema::Problem))
)]
struct Document;

/// The description of every route.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// The description as it is served.
pub(super) static TEXT: LazyLock<Vec<u8>> =
    LazyLock::new(|| serde_json::to_vec(&document()).expect("the description is plain data"));
