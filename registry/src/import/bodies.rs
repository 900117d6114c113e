//! Schools and providers from `schools.csv` and `providers.csv`, and the opening of their wallets.

use std::io::Read;

use keis_ledger::ids::EntityId;
use keis_ledger::ids::{ProviderId, SchoolId};
use keis_ledger::operation::{
    MAX_BATCH, NewProvider as LedgerProvider, NewSchool as LedgerSchool, Operation, WalletOperation,
};
use sqlx::Row;

use super::fields::Fields;
use super::lines::{Line, Lines};
use super::problem::Problem;
use super::{CHUNK, ImportError, ImportReport, Phase, Progress, permitted};
use crate::bodies::{NewProvider, NewSchool, ProviderKind, put_provider, put_school};
use crate::boxed;
use crate::database::{Registry, Work, list};
use crate::error::RegistryError;
use crate::log::{Actor, Entry, append};
use crate::outbox::{self, Effect, New, Office, OutboxId};
use crate::permission::Permission;

const SCHOOLS: [&str; 4] = ["school_code", "name", "place", "branches"];
const PROVIDERS: [&str; 6] = ["provider_code", "kind", "name", "place", "vat_status", "controlling_code"];

/// Takes over `schools.csv`: makes or renews every school, and enqueues the opening of wallets that the ledger does not have.
/// Schools that are not in it stay as they are.
///
/// # Errors
/// [`ImportError`]; a bad line is no error but stands in the report.
pub async fn import_schools(
    registry: &Registry,
    actor: &Actor,
    mut reader: impl Read + Send,
    dry_run: bool,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<ImportReport, ImportError> {
    import(registry, actor, &mut reader, Register::Schools, dry_run, progress).await
}

/// Takes over `providers.csv`, as [`import_schools`] does schools.
///
/// # Errors
/// As [`import_schools`].
pub async fn import_providers(
    registry: &Registry,
    actor: &Actor,
    mut reader: impl Read + Send,
    dry_run: bool,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<ImportReport, ImportError> {
    import(registry, actor, &mut reader, Register::Providers, dry_run, progress).await
}

#[derive(Clone, Copy)]
enum Register {
    Schools,
    Providers,
}

impl Register {
    fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Schools => &SCHOOLS,
            Self::Providers => &PROVIDERS,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Schools => "schools",
            Self::Providers => "providers",
        }
    }

    /// Takes over one line; says whether the body is new, and whether it changed.
    async fn put(self, work: &mut Work, fields: &Fields<'_>) -> Result<Result<(bool, bool), Problem>, RegistryError> {
        match self {
            Self::Schools => match school(fields) {
                Ok(new) => put_school(work, &new).await.map(|put| Ok((put.fresh, put.changed))),
                Err(problem) => Ok(Err(problem)),
            },
            Self::Providers => match provider(fields) {
                Ok(new) => put_provider(work, &new).await.map(|put| Ok((put.fresh, put.changed))),
                Err(problem) => Ok(Err(problem)),
            },
        }
    }

    async fn open(self, work: &mut Work, actor: &Actor) -> Result<(), RegistryError> {
        match self {
            Self::Schools => open_schools(work, actor).await,
            Self::Providers => open_providers(work, actor).await,
        }
    }
}

#[boxed]
async fn import(
    registry: &Registry,
    actor: &Actor,
    reader: &mut (dyn Read + Send),
    register: Register,
    dry_run: bool,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<ImportReport, ImportError> {
    permitted(registry, actor, Permission::ManageBodies).await?;
    let mut lines = Lines::open(reader, register.columns())?;
    let mut report = ImportReport::default();
    let mut seen = std::collections::BTreeMap::new();
    loop {
        let chunk = lines.chunk(CHUNK)?;
        if chunk.is_empty() {
            break;
        }
        // A trial does all of it and does not commit.
        let mut work = registry.begin().await?;
        for line in &chunk {
            take_over(&mut work, register, line, &mut seen, &mut report).await?;
        }
        if !dry_run {
            work.commit().await?;
        }
        report.lines += chunk.len() as u64;
        progress(Progress { phase: Phase::Writing, done: report.lines, of: None });
    }
    let mut work = registry.begin().await?;
    if !dry_run {
        register.open(&mut work, actor).await?;
    }
    let ImportReport { lines, arrived, changed, bad, .. } = &report;
    let detail = format!("{lines} lines: {arrived} new, {changed} changed, {bad} bad");
    let action = if dry_run { "bodies compared" } else { "bodies imported" };
    append(&mut work, Entry::new(actor, action, register.name()).detail(detail)).await?;
    work.commit().await?;
    Ok(report)
}

async fn take_over(
    work: &mut Work,
    register: Register,
    line: &Line,
    seen: &mut std::collections::BTreeMap<String, u64>,
    report: &mut ImportReport,
) -> Result<(), RegistryError> {
    let fields = Fields { columns: register.columns(), values: &line.fields };
    if let Some(problem) = &line.problem {
        report.bad(line.number, problem.clone());
        return Ok(());
    }
    let code = fields.text(register.columns()[0]).to_owned();
    if let Some(earlier) = seen.get(&code) {
        report.bad(line.number, Problem::CodeTwice { earlier: *earlier });
        return Ok(());
    }
    match register.put(work, &fields).await? {
        Ok((true, _)) => report.arrived += 1,
        Ok((false, true)) => report.changed += 1,
        Ok((false, false)) => report.unchanged += 1,
        Err(problem) => {
            report.bad(line.number, problem);
            return Ok(());
        }
    }
    seen.insert(code, line.number);
    Ok(())
}

fn school(fields: &Fields<'_>) -> Result<NewSchool, Problem> {
    Ok(NewSchool {
        code: fields.legal_code("school_code")?,
        name: fields.name("name")?,
        place: fields.place()?,
        branches: fields.number("branches")?,
        controlling_code: None,
    })
}

fn provider(fields: &Fields<'_>) -> Result<NewProvider, Problem> {
    let (kind, code) = match fields.text("kind") {
        "legal" => (ProviderKind::Legal, fields.legal_code("provider_code")?),
        "natural" => (ProviderKind::Natural, certificate(fields)?),
        _ => return Err(Problem::Word { column: "kind", words: "legal or natural" }),
    };
    let vat_registered = match fields.text("vat_status") {
        "registered" => true,
        "not_registered" => false,
        _ => return Err(Problem::Word { column: "vat_status", words: "registered or not_registered" }),
    };
    let controlling_code = match fields.some("controlling_code") {
        Some(_) => Some(fields.legal_code("controlling_code")?),
        None => None,
    };
    Ok(NewProvider { code, kind, name: fields.name("name")?, place: fields.place()?, vat_registered, controlling_code })
}

/// Number of a certificate of individual activity.
fn certificate(fields: &Fields<'_>) -> Result<String, Problem> {
    let text = fields.text("provider_code");
    let sound = text.len() == 7 && text.bytes().all(|byte| byte.is_ascii_digit());
    if sound { Ok(text.to_owned()) } else { Err(Problem::Certificate) }
}

/// Enqueues the opening of schools' wallets that the ledger does not have and nothing is on its way for.
async fn open_schools(work: &mut Work, actor: &Actor) -> Result<(), RegistryError> {
    let sql = "SELECT id, entity, place FROM schools WHERE opened = 0 AND open_row IS NULL ORDER BY id";
    let rows = sqlx::query(sql).fetch_all(work.connection()).await?;
    let mut new = Vec::with_capacity(rows.len());
    for row in &rows {
        new.push(LedgerSchool {
            school: SchoolId(list::id(row.try_get("id")?, "schools.id")?),
            entity: EntityId(list::id(row.try_get("entity")?, "schools.entity")?),
            place: list::parsed(row.try_get("place")?, "schools.place")?,
        });
    }
    for schools in new.chunks(MAX_BATCH) {
        let operation = Operation::Wallet(WalletOperation::OpenSchools { schools: schools.to_vec() });
        let wish = New::of(Office::Operator, "open_schools", operation).then(Effect::SchoolsOpened);
        let row = outbox::enqueue(work, actor, wish).await?;
        let ids = schools.iter().map(|new| new.school.0);
        link(work, "UPDATE schools SET open_row = $1 WHERE id = $2", row, ids).await?;
    }
    Ok(())
}

/// As [`open_schools`], of providers.
async fn open_providers(work: &mut Work, actor: &Actor) -> Result<(), RegistryError> {
    let sql = "SELECT id, entity FROM providers WHERE opened = 0 AND open_row IS NULL ORDER BY id";
    let rows = sqlx::query(sql).fetch_all(work.connection()).await?;
    let mut new = Vec::with_capacity(rows.len());
    for row in &rows {
        new.push(LedgerProvider {
            provider: ProviderId(list::id(row.try_get("id")?, "providers.id")?),
            entity: EntityId(list::id(row.try_get("entity")?, "providers.entity")?),
        });
    }
    for providers in new.chunks(MAX_BATCH) {
        let operation = Operation::Wallet(WalletOperation::OpenProviders { providers: providers.to_vec() });
        let wish = New::of(Office::Operator, "open_providers", operation).then(Effect::ProvidersOpened);
        let row = outbox::enqueue(work, actor, wish).await?;
        let ids = providers.iter().map(|new| new.provider.0);
        link(work, "UPDATE providers SET open_row = $1 WHERE id = $2", row, ids).await?;
    }
    Ok(())
}

async fn link(
    work: &mut Work,
    sql: &'static str,
    row: OutboxId,
    ids: impl Iterator<Item = [u8; 16]>,
) -> Result<(), RegistryError> {
    for id in ids {
        sqlx::query(sql).bind(row.0).bind(&id[..]).execute(work.connection()).await?;
    }
    Ok(())
}
