//! The OpenAPI document, collected from what stands beside each handler.

use std::sync::LazyLock;

use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::bounds::Bounded;
use super::{
    blocks, books, catalogue, chain, debts, decisions, documents, events, handbook, invoices, lines, money, orders,
    overview, proofs, schema, statistics, system, transactions, wallets, writing,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "KEIS node",
        description = "The public door of one institution's node of the culture passport's ledger. Amounts are whole cents, times are \
            milliseconds since 1970 (UTC), ids are prefixed lower-case hexadecimal. A submission is acknowledged when its receipt is \
            answered: the block is decided, and durable on this node. What is \
            public has an `ETag` where it moves with the ledger, and 304 answers `If-None-Match`; what cannot change is `immutable`. \
            Pages of other sites may read what is public. Problems are in English or Lithuanian, by `Accept-Language`.",
        license(name = "EUPL-1.2", identifier = "EUPL-1.2"),
    ),
    paths(
        transactions::submit,
        writing::compose,
        transactions::look_up,
        transactions::receipt,
        system::status,
        chain::headers,
        chain::header,
        chain::certificate,
        chain::parameters,
        proofs::handovers,
        proofs::parameters,
        proofs::year,
        proofs::sealed,
        proofs::service,
        proofs::session,
        proofs::lines,
        money::funds,
        money::orders,
        statistics::year,
        orders::order,
        orders::block_receipts,
        blocks::blocks,
        catalogue::services,
        catalogue::service,
        catalogue::sessions,
        catalogue::session,
        events::events,
        wallets::key,
        wallets::school,
        wallets::school_pupils,
        wallets::pupils,
        wallets::pupil,
        wallets::provider,
        lines::school_orders,
        lines::school_statements,
        lines::provider_orders,
        lines::provider_sessions,
        lines::provider_statements,
        lines::order,
        lines::history,
        lines::statement,
        books::report,
        invoices::invoice,
        debts::receivables,
        debts::repayments,
        overview::orders,
        overview::statements,
        decisions::decisions,
        decisions::decision,
        decisions::measure,
        documents::put,
        documents::get,
        system::step,
        system::openapi,
        handbook::page,
        system::live,
        system::ready,
        system::metrics,
    ),
    components(schemas(schema::Problem)),
    modifiers(&Signed, &Bounded)
)]
struct Document;

/// Adds how owners and officers show who they are.
struct Signed;

impl Modify for Signed {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let description = "HTTP message signature (RFC 9421) in the fields `Signature-Input` and `Signature`, by Ed25519 alone. One \
            signature is tagged `keis` and covers `@method`, `@authority`, `@path` and `@query`; its parameters are `created` and \
            `expires` (at most 300 seconds apart, by real time, also where the ledger's clock is stepped; clocks may differ by 60), \
            `nonce` (used once), `keyid` (the key as the ledger writes it, `key_00ff…`), `alg=\"ed25519\"` and `tag=\"keis\"`. The key \
            is an officer's or auditor's, or has the scope `read`; it is in use at the ledger's time.";
        let scheme = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("Signature", description)));
        document.components.get_or_insert_default().add_security_scheme("signature", scheme);
    }
}

/// The description of every route.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// The description as it is served.
pub(super) static TEXT: LazyLock<Vec<u8>> =
    LazyLock::new(|| serde_json::to_vec(&document()).expect("the description is plain data"));
