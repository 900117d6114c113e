//! Pupils' wallets on both sides.

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{PupilId, SchoolId};
use keis_ledger::operation::{Operation, Party, WalletOperation};
use keis_ledger::record::Standing;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{About, BookPupil, Difference, DifferenceKind, LedgerBook, ReconcileError, Remedy, Report};
use crate::database::{Registry, Work, list, now};
use crate::error::RegistryError;
use crate::ids::PersonId;
use crate::outbox::{self, OutboxId, OutboxState};
use crate::page::Page;
use crate::people;
use crate::vault::Vault;
use crate::wallets::{self, Wallet, WalletState};

const AT_ONCE: i64 = 1_000;

/// A wallet here, with what the register says of its pupil.
struct Here {
    wallet: Wallet,
    school: SchoolId,
    grade: u8,
    standing: people::Standing,
}

/// How far the year's wallets go by themselves.
struct Stage {
    year: Year,
    opening: bool,
    funding: bool,
}

pub(super) async fn compare(
    registry: &Registry,
    year: Year,
    book: &dyn LedgerBook,
    report: &mut Report,
) -> Result<(), ReconcileError> {
    let stage = stage(registry, year).await?;
    let run = list::instant(now());
    let mut found = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = book.pupils(year, cursor.as_deref()).await?;
        for chunk in page.pupils.chunks(AT_ONCE as usize) {
            compare_page(registry, &stage, run, chunk, report, &mut found).await?;
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    unseen(registry, &stage, run, report, &mut found).await?;
    forget(registry).await?;
    look_again(registry, &stage, book, report, found).await?;
    not_drawn(registry, &stage, report).await
}

async fn stage(registry: &Registry, year: Year) -> Result<Stage, RegistryError> {
    let mut reader = registry.reader().await?;
    let query = sqlx::query("SELECT opening, funding FROM wallet_years WHERE year = $1").bind(i64::from(year.0));
    let row = query.fetch_optional(&mut *reader).await?;
    let set = |column| -> Result<bool, RegistryError> {
        Ok(row.as_ref().map(|row| row.try_get::<i64, _>(column)).transpose()?.is_some_and(|set| set != 0))
    };
    Ok(Stage { year, opening: set("opening")?, funding: set("funding")? })
}

const HERE: &str = "SELECT wallets.person, wallets.year, wallets.wallet_sealed, wallets.school, wallets.grade, wallets.state, \
                    wallets.pending, wallets.latest, wallets.wallet_index, person_keys.wrapped, pupils.school AS school_now, \
                    pupils.grade AS grade_now, pupils.standing FROM wallets \
                    JOIN person_keys ON person_keys.person = wallets.person JOIN pupils ON pupils.person = wallets.person";

fn read(vault: &Vault, row: &AnyRow) -> Result<Here, RegistryError> {
    Ok(Here {
        wallet: wallets::read(vault, row)?,
        school: SchoolId(list::id(row.try_get("school_now")?, "pupils.school")?),
        grade: list::number(row.try_get("grade_now")?, "pupils.grade")?,
        standing: list::parsed(row.try_get("standing")?, "pupils.standing")?,
    })
}

async fn here(work: &mut Work, year: Year, pupils: &[PupilId]) -> Result<Vec<Here>, RegistryError> {
    let vault = work.vault();
    let mut found = Vec::new();
    for chunk in pupils.chunks(list::MOST) {
        let sql = format!("{HERE} WHERE wallets.wallet_index IN ({})", list::places(1, chunk.len()));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for pupil in chunk {
            query = query.bind(wallets::index(&vault, year, *pupil));
        }
        for row in query.fetch_all(work.connection()).await? {
            found.push(read(&vault, &row)?);
        }
    }
    Ok(found)
}

/// Compares a part of the ledger's wallets, and notes which were seen.
async fn compare_page(
    registry: &Registry,
    stage: &Stage,
    run: i64,
    page: &[BookPupil],
    report: &mut Report,
    found: &mut Vec<Difference>,
) -> Result<(), ReconcileError> {
    let mut work = registry.begin().await?;
    let ids: Vec<PupilId> = page.iter().map(|pupil| pupil.pupil).collect();
    let rows = here(&mut work, stage.year, &ids).await?;
    let rows: std::collections::BTreeMap<PupilId, Here> =
        rows.into_iter().map(|here| (here.wallet.wallet, here)).collect();
    note(&mut work, stage.year, run, rows.keys()).await?;
    work.commit().await?;
    report.pupils += page.len() as u64;
    for there in page {
        match rows.get(&there.pupil) {
            Some(here) => found.extend(differences(stage, here, there)),
            None if there.standing == Standing::Closed => report.erased += 1,
            None => found.push(unknown(registry, stage.year, there).await?),
        }
    }
    settle(report, found);
    Ok(())
}

/// Counts what will not be looked at again, since too much differs.
fn settle(report: &mut Report, found: &mut Vec<Difference>) {
    while report.differences.len() + found.len() > super::LISTED {
        let Some(difference) = found.pop() else { break };
        *report.counts.entry(difference.kind).or_default() += 1;
    }
}

async fn note(
    work: &mut Work,
    year: Year,
    run: i64,
    pupils: impl Iterator<Item = &PupilId>,
) -> Result<(), RegistryError> {
    let vault = work.vault();
    let indexes: Vec<Vec<u8>> = pupils.map(|pupil| wallets::index(&vault, year, *pupil)).collect();
    if indexes.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO reconcile_seen (run, wallet_index) VALUES {} ON CONFLICT (run, wallet_index) DO NOTHING",
        list::rows(indexes.len(), 2)
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for index in &indexes {
        query = query.bind(run).bind(&index[..]);
    }
    query.execute(work.connection()).await?;
    Ok(())
}

async fn forget(registry: &Registry) -> Result<(), RegistryError> {
    let mut work = registry.begin().await?;
    sqlx::query("DELETE FROM reconcile_seen").execute(work.connection()).await?;
    work.commit().await
}

/// Everything that differs between the two sides of one wallet.
fn differences(stage: &Stage, here: &Here, there: &BookPupil) -> Vec<Difference> {
    let wallet = &here.wallet;
    let alone = wallet.latest.or(wallet.pending);
    let make = |kind, waiting: Option<OutboxId>, otherwise, detail| Difference {
        kind,
        about: About::Wallet(wallet.wallet, Some(wallet.person)),
        waiting,
        remedy: if waiting.is_some() { Remedy::Wait } else { otherwise },
        detail,
    };
    let closed = there.standing == Standing::Closed;
    let enrolled = here.standing == people::Standing::Enrolled;
    let sides = format!("here {}, there {:?}", wallet.state, there.standing);
    let mut all = Vec::new();
    match (enrolled, closed) {
        (false, true) => {
            let told = wallet.state == WalletState::Closed;
            return if told { all } else { vec![make(DifferenceKind::StateBehind, alone, Remedy::Inquire, sides)] };
        }
        (false, false) => return vec![make(DifferenceKind::StillOpen, alone, Remedy::Import, sides)],
        (true, true) => return vec![make(DifferenceKind::ClosedOnLedger, None, Remedy::NextYear, sides)],
        (true, false) => {
            if (here.school, here.grade) != (there.school, there.grade) {
                let detail =
                    format!("here {} grade {}, there {} grade {}", here.school, here.grade, there.school, there.grade);
                all.push(make(DifferenceKind::PlaceDiffers, wallet.latest, Remedy::Inquire, detail));
            }
        }
    }
    let known = match wallet.state {
        WalletState::Drawn => None,
        WalletState::Opened => Some(false),
        WalletState::Allocated => Some(true),
        WalletState::Closed => return vec![make(DifferenceKind::StateAhead, None, Remedy::Inquire, sides)],
    };
    if known == Some(true) && !there.allocated {
        all.push(make(DifferenceKind::StateAhead, None, Remedy::Inquire, sides));
    } else if known.is_none() || (known == Some(false) && there.allocated) {
        all.push(make(DifferenceKind::StateBehind, wallet.pending, Remedy::Inquire, sides));
    } else if stage.funding && !there.allocated {
        all.push(make(DifferenceKind::NotAllocated, wallet.pending, Remedy::OpenAgain, sides));
    }
    all
}

/// A wallet that is nobody's here: of a person who was erased, if its closing is on its way.
async fn unknown(registry: &Registry, year: Year, there: &BookPupil) -> Result<Difference, RegistryError> {
    let waiting = closing(registry, year, there.pupil).await?;
    Ok(Difference {
        kind: DifferenceKind::WalletUnknown,
        about: About::Wallet(there.pupil, None),
        waiting,
        remedy: if waiting.is_some() { Remedy::Wait } else { Remedy::Inquire },
        detail: format!("there {:?} at {}", there.standing, there.school),
    })
}

/// The row that will close a wallet.
async fn closing(registry: &Registry, year: Year, pupil: PupilId) -> Result<Option<OutboxId>, RegistryError> {
    let closes = Operation::Wallet(WalletOperation::Close { party: Party::Pupil(year, pupil) });
    for state in [OutboxState::Waiting, OutboxState::Signed] {
        let mut page = Page::first(Page::MOST);
        loop {
            let rows = outbox::list(registry, Some(state), &page).await?;
            if let Some(row) = rows.items.iter().find(|row| row.operation == closes) {
                return Ok(Some(row.id));
            }
            let Some(next) = rows.next else { break };
            page.after = Some(next);
        }
    }
    Ok(None)
}

/// Wallets here that no part of the ledger named.
async fn unseen(
    registry: &Registry,
    stage: &Stage,
    run: i64,
    report: &mut Report,
    found: &mut Vec<Difference>,
) -> Result<(), ReconcileError> {
    let mut after = Vec::new();
    loop {
        let mut reader = registry.reader().await?;
        let sql = format!(
            "{HERE} WHERE wallets.year = $1 AND wallets.wallet_index > $2 AND NOT EXISTS (SELECT 1 FROM reconcile_seen \
             WHERE reconcile_seen.run = $3 AND reconcile_seen.wallet_index = wallets.wallet_index) \
             ORDER BY wallets.wallet_index LIMIT $4"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(stage.year.0)).bind(&after[..]);
        let rows = query.bind(run).bind(AT_ONCE).fetch_all(&mut *reader).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.try_get("wallet_index")?;
        for row in &rows {
            found.extend(absent(stage, &read(registry.vault(), row)?));
        }
        settle(report, found);
    }
}

/// What differs when the ledger does not have a wallet.
fn absent(stage: &Stage, here: &Here) -> Option<Difference> {
    let wallet = &here.wallet;
    let (kind, otherwise) = match wallet.state {
        WalletState::Drawn if !stage.opening => return None,
        WalletState::Drawn => (DifferenceKind::WalletNotOpened, Remedy::OpenAgain),
        WalletState::Opened | WalletState::Allocated | WalletState::Closed => {
            (DifferenceKind::WalletMissing, Remedy::Inquire)
        }
    };
    let waiting = wallet.pending.filter(|_| kind == DifferenceKind::WalletNotOpened);
    Some(Difference {
        kind,
        about: About::Wallet(wallet.wallet, Some(wallet.person)),
        waiting,
        remedy: if waiting.is_some() { Remedy::Wait } else { otherwise },
        detail: format!("here {}", wallet.state),
    })
}

/// Looks at wallets that differ once more: the ledger went on since they were read.
async fn look_again(
    registry: &Registry,
    stage: &Stage,
    book: &dyn LedgerBook,
    report: &mut Report,
    found: Vec<Difference>,
) -> Result<(), ReconcileError> {
    for difference in found {
        let About::Wallet(pupil, Some(_)) = difference.about else {
            report.add(difference);
            continue;
        };
        let there = book.pupil(stage.year, pupil).await?;
        let mut work = registry.begin().await?;
        let here = here(&mut work, stage.year, &[pupil]).await?.pop();
        work.commit().await?;
        let now = match (&here, &there) {
            (Some(here), Some(there)) => differences(stage, here, there),
            (Some(here), None) => absent(stage, here).into_iter().collect(),
            (None, _) => Vec::new(),
        };
        for difference in now.into_iter().filter(|again| again.kind == difference.kind) {
            report.add(difference);
        }
    }
    Ok(())
}

/// Enrolled pupils without a wallet of the year.
async fn not_drawn(registry: &Registry, stage: &Stage, report: &mut Report) -> Result<(), ReconcileError> {
    let mut after = Vec::new();
    loop {
        let mut reader = registry.reader().await?;
        let rows = sqlx::query(
            "SELECT pupils.person FROM pupils WHERE pupils.standing = 'enrolled' AND pupils.person > $1 AND NOT EXISTS \
             (SELECT 1 FROM wallets WHERE wallets.person = pupils.person AND wallets.year = $2) \
             ORDER BY pupils.person LIMIT $3",
        )
        .bind(&after[..])
        .bind(i64::from(stage.year.0))
        .bind(AT_ONCE)
        .fetch_all(&mut *reader)
        .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.try_get("person")?;
        for row in &rows {
            report.add(Difference {
                kind: DifferenceKind::WalletNotDrawn,
                about: About::Person(PersonId(list::id(row.try_get("person")?, "pupils.person")?)),
                waiting: None,
                remedy: Remedy::Import,
                detail: format!("no wallet of {}", stage.year),
            });
        }
    }
}
