//! What the ledger knows as a keyed commitment alone, and the keys of the commitments.
//!
//! Equal things of one holder have equal commitments, so the ledger sees that an invoice's number or a bank's reference is used
//! twice. Each holder has one key, drawn at random: it makes the commitments and seals what was committed. Once it is destroyed,
//! the commitments on the ledger stand for nothing. A natural person's goes with the person.

use std::collections::BTreeMap;

use keis_ledger::ids::{Commitment, ProviderId};
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::billing;
use crate::bodies;
use crate::boxed;
use crate::database::{Work, list, now};
use crate::error::RegistryError;
use crate::ids::PersonId;
use crate::vault::{self, Field, Vault, WitnessKey};

const KEY: Field = Field::of("witness_keys", "sealed");
const WITNESS: Field = Field::of("witnesses", "sealed");

/// Whose key commits to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A provider: its invoices, their numbers, its payment account.
    Provider(ProviderId),
    /// The programme's accounts: references and statements of banks, each one thing whoever was paid.
    Bank,
}

/// What is committed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WitnessKind {
    /// An invoice's file, by its hash.
    InvoiceFile,
    /// An invoice's number.
    InvoiceNumber,
    /// A credit note's file, by its hash.
    CreditNote,
    /// A provider's account at a bank.
    PaymentAccount,
    /// A bank's reference of a payment.
    BankReference,
    /// The mark of a bank statement.
    BankStatement,
}

impl Holder {
    fn owner(self) -> Vec<u8> {
        match self {
            Self::Provider(id) => id.0.to_vec(),
            Self::Bank => b"bank".to_vec(),
        }
    }
}

impl WitnessKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::InvoiceFile,
        Self::InvoiceNumber,
        Self::CreditNote,
        Self::PaymentAccount,
        Self::BankReference,
        Self::BankStatement,
    ];

    /// Its name in the database and in the commitment.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvoiceFile => "invoice_file",
            Self::InvoiceNumber => "invoice_number",
            Self::CreditNote => "credit_note",
            Self::PaymentAccount => "payment_account",
            Self::BankReference => "bank_reference",
            Self::BankStatement => "bank_statement",
        }
    }

    /// The text that is committed to: what people write in two ways is one thing.
    pub fn normal(self, text: &str) -> String {
        match self {
            Self::InvoiceFile | Self::InvoiceNumber | Self::CreditNote | Self::BankReference | Self::BankStatement => {
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            }
            Self::PaymentAccount => text.split_whitespace().collect::<String>().to_uppercase(),
        }
    }
}

/// Commits to a thing and keeps what it was; the same again gives the same commitment. Who may is the calling room's to ask.
///
/// # Errors
/// [`RegistryError::BodyUnknown`] for a provider that is not here or was erased, or what the database answers.
#[boxed]
pub async fn keep(work: &mut Work, holder: Holder, kind: WitnessKind, text: &str) -> Result<Commitment, RegistryError> {
    let key = key(work, holder).await?;
    let text = kind.normal(text);
    let commitment = Commitment(key.commit(kind.name(), text.as_bytes()));
    sqlx::query(
        "INSERT INTO witnesses (commitment, kind, owner, sealed, added) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (commitment) DO NOTHING",
    )
    .bind(&commitment.0[..])
    .bind(kind.name())
    .bind(holder.owner())
    .bind(key.seal(WITNESS, &commitment.0, text.as_bytes()))
    .bind(list::instant(now()))
    .execute(work.connection())
    .await?;
    Ok(commitment)
}

/// What these commitments stand for; those that are not here, or whose key was destroyed, are left out. Who may see it is the
/// calling room's to ask and to note.
///
/// # Errors
/// What the database answers, or [`RegistryError::Vault`].
#[boxed]
pub async fn opened(
    connection: &mut AnyConnection,
    vault: &Vault,
    commitments: &[Commitment],
) -> Result<BTreeMap<Commitment, String>, RegistryError> {
    let mut found = BTreeMap::new();
    let mut keys: BTreeMap<Vec<u8>, Option<WitnessKey>> = BTreeMap::new();
    for chunk in commitments.chunks(list::MOST) {
        let sql = "SELECT commitment, owner, sealed FROM witnesses WHERE commitment IN";
        let sql = format!("{sql} ({})", list::places(1, chunk.len()));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for commitment in chunk {
            query = query.bind(&commitment.0[..]);
        }
        for row in query.fetch_all(&mut *connection).await? {
            let owner: Vec<u8> = row.try_get("owner")?;
            if !keys.contains_key(&owner) {
                let key = stored_key(connection, vault, &owner).await?;
                keys.insert(owner.clone(), key);
            }
            let Some(Some(key)) = keys.get(&owner) else { continue };
            let commitment = Commitment(list::id(row.try_get("commitment")?, "witnesses.commitment")?);
            let text = key.open_text(WITNESS, &commitment.0, row.try_get("sealed")?)?;
            found.insert(commitment, text);
        }
    }
    Ok(found)
}

/// The holder's key, drawn when it is first needed.
pub(crate) async fn key(work: &mut Work, holder: Holder) -> Result<WitnessKey, RegistryError> {
    let (vault, owner) = (work.vault(), holder.owner());
    if let Some(key) = stored_key(work.connection(), &vault, &owner).await? {
        return Ok(key);
    }
    let person = match holder {
        Holder::Bank => None,
        Holder::Provider(id) => {
            let provider = bodies::provider(work.connection(), &vault, id).await?;
            provider.ok_or_else(|| RegistryError::BodyUnknown(id.to_string()))?.person
        }
    };
    let key = WitnessKey::generate();
    let sealed = match person {
        None => vault.seal(KEY, &owner, &*key.to_bytes()),
        Some(person) => {
            let of_person = vault::load_key(work.connection(), &vault, person).await?;
            of_person.ok_or(RegistryError::PersonUnknown(person))?.seal(KEY, &owner, &*key.to_bytes())
        }
    };
    sqlx::query("INSERT INTO witness_keys (owner, person, sealed) VALUES ($1, $2, $3)")
        .bind(&owner[..])
        .bind(person.map(|person| person.0.to_vec()))
        .bind(sealed)
        .execute(work.connection())
        .await?;
    Ok(key)
}

/// The key of a holder, if it is there; none once its person was erased.
pub(crate) async fn key_of(
    connection: &mut AnyConnection,
    vault: &Vault,
    holder: Holder,
) -> Result<Option<WitnessKey>, RegistryError> {
    stored_key(connection, vault, &holder.owner()).await
}

async fn stored_key(
    connection: &mut AnyConnection,
    vault: &Vault,
    owner: &[u8],
) -> Result<Option<WitnessKey>, RegistryError> {
    let sql = "SELECT person, sealed FROM witness_keys WHERE owner = $1";
    let Some(row) = sqlx::query(sql).bind(owner).fetch_optional(&mut *connection).await? else { return Ok(None) };
    let sealed: Vec<u8> = row.try_get("sealed")?;
    let bytes = match row.try_get::<Option<Vec<u8>>, _>("person")? {
        None => vault.open(KEY, owner, &sealed)?,
        Some(person) => {
            let person = PersonId(list::id(&person, "witness_keys.person")?);
            match vault::load_key(connection, vault, person).await? {
                None => return Ok(None),
                Some(key) => key.open(KEY, owner, &sealed)?,
            }
        }
    };
    Ok(Some(WitnessKey::from_bytes(list::id(&bytes, "witness_keys.sealed")?)))
}

/// A natural person's commitments stand for nothing any more, and what they stood for is gone.
pub(crate) async fn forget_person(work: &mut Work, person: PersonId) -> Result<(), RegistryError> {
    let theirs = "(SELECT owner FROM witness_keys WHERE person = $1)";
    for table in billing::FORGOTTEN {
        let sql = format!("DELETE FROM {table} WHERE provider IN {theirs}");
        sqlx::query(AssertSqlSafe(sql)).bind(&person.0[..]).execute(work.connection()).await?;
    }
    for sql in [
        format!(
            "DELETE FROM dispatch_answers WHERE dispatch IN (SELECT id FROM dispatches WHERE provider IN {theirs})"
        ),
        format!("DELETE FROM dispatches WHERE provider IN {theirs}"),
        format!("DELETE FROM refusals WHERE provider IN {theirs}"),
        format!("DELETE FROM papers WHERE provider IN {theirs}"),
        format!("DELETE FROM witnesses WHERE owner IN {theirs}"),
        "DELETE FROM witness_keys WHERE person = $1".to_owned(),
    ] {
        sqlx::query(AssertSqlSafe(sql)).bind(&person.0[..]).execute(work.connection()).await?;
    }
    Ok(())
}
