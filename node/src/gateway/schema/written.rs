//! Transactions as JSON.

use utoipa::ToSchema;

/// A public description, with any fields beside.
#[derive(ToSchema)]
pub(in crate::gateway) struct Described {
    /// Hides what the document's hash is of.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    salt: String,
}

/// A transaction with its signature.
#[derive(ToSchema)]
pub(in crate::gateway) struct SignedTransaction {
    /// The key that signs.
    #[schema(example = "key_00ff…", pattern = "^key_[0-9a-f]{64}$")]
    signer: String,
    /// The party for which an officer acts, such as `{"school": "sch_00ff…"}`; null or absent for nobody.
    #[schema(value_type = Option<Object>)]
    behalf: (),
    /// Any number of 64 bits, or its decimal digits as text.
    #[schema(value_type = u64)]
    salt: (),
    /// Last instant of a block that may hold it, milliseconds since 1970.
    valid_until: u64,
    /// What it asks for, such as `{"order": {"year": 2026, "order": "ord_00ff…", "action": "confirm"}}`.
    #[schema(value_type = Object)]
    operation: (),
    /// 128 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{128}$")]
    signature: String,
}

/// What is signed.
#[derive(ToSchema)]
pub(in crate::gateway) struct Body {
    /// The key that signs.
    #[schema(pattern = "^key_[0-9a-f]{64}$")]
    signer: String,
    /// The party for which an officer acts.
    #[schema(value_type = Option<Object>)]
    behalf: (),
    /// Tells apart two wishes that are otherwise equal.
    salt: u64,
    /// Last instant of a block that may hold it, milliseconds since 1970.
    valid_until: u64,
    /// What it asks for.
    #[schema(value_type = Object)]
    operation: (),
}

/// What somebody wants to sign.
#[derive(ToSchema)]
pub(in crate::gateway) struct Wish {
    /// The key that will sign.
    #[schema(pattern = "^key_[0-9a-f]{64}$")]
    signer: String,
    /// The party for which an officer acts; null or absent for nobody.
    #[schema(value_type = Option<Object>)]
    behalf: (),
    /// Any number, or its digits as text; one that no other wish is likely to have if absent.
    #[schema(value_type = Option<u64>)]
    salt: (),
    /// Last instant of a block that may hold it; an hour from now if absent, or less where the network allows less.
    valid_until: Option<u64>,
    /// What it asks for.
    #[schema(value_type = Object)]
    operation: (),
}
