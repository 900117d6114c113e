//! Taking over what an extract changes: pupils, their wallets, and what the ledger must hear of it, in one transaction a chunk.

use std::collections::BTreeMap;

use keis_ledger::classifiers::Year;
use keis_ledger::ids::SchoolId;
use keis_ledger::operation::{Operation, Party, WalletOperation};
use keis_ledger::time::Timestamp;
use sqlx::Row;

use super::notes::{Action, After, Note, Run};
use super::{CHUNK, ImportError, ImportReport, Kind, Options, Phase, Progress, funds};
use crate::database::{Registry, Work, list};
use crate::error::RegistryError;
use crate::ids::PersonId;
use crate::log::Actor;
use crate::outbox::{self, Effect, New, Office};
use crate::people::{self, PupilFacts};
use crate::wallets::{self, Wallet, WalletState};

/// Takes over what the notes say, lets leave who is missing, and draws wallets for who has none.
pub(super) async fn take_over(
    registry: &Registry,
    run: &Run,
    actor: &Actor,
    options: &Options,
    report: &ImportReport,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<(), ImportError> {
    let ImportReport { arrived, returned, moved, changed, left, .. } = report;
    let of = Some(arrived + returned + moved + changed + left);
    let mut done = 0;
    let mut after = Vec::new();
    loop {
        let mut work = run.begin(registry).await?;
        let mut notes = run.changes(&mut work, &after).await?;
        let Some(last) = notes.last() else { break };
        after.clone_from(&last.code_index);
        done += notes.len() as u64;
        let chunk = Chunk { actor, options, generation: run.number };
        for action in Action::CHANGES {
            let of: Vec<Note> = notes.extract_if(.., |note| note.action == action).collect();
            if !of.is_empty() {
                chunk.take_over(&mut work, action, &of).await?;
            }
        }
        work.commit().await?;
        progress(Progress { phase: Phase::Writing, done, of });
    }
    match options.kind {
        Kind::Full if report.left > 0 => {
            leave_missing(registry, run, actor, options, |left| {
                progress(Progress { phase: Phase::Writing, done: done + left, of });
            })
            .await?
        }
        Kind::Full | Kind::Delta => {}
    }
    draw(registry, run, actor, options.year, progress).await
}

/// Lets leave who is missing in a full extract.
async fn leave_missing(
    registry: &Registry,
    run: &Run,
    actor: &Actor,
    options: &Options,
    mut progress: impl FnMut(u64) + Send,
) -> Result<(), ImportError> {
    let mut after = Vec::new();
    let mut left = 0;
    loop {
        let mut work = run.begin(registry).await?;
        let persons = run.missing_after(&mut work, &after).await?;
        let Some(last) = persons.last() else { return Ok(()) };
        after = last.0.to_vec();
        let chunk = Chunk { actor, options, generation: run.number };
        chunk.leave(&mut work, &persons).await?;
        work.commit().await?;
        left += persons.len() as u64;
        progress(left);
    }
}

/// Draws wallets for everybody who is enrolled and has none, and lets the ledger hear of them if it knows the others.
async fn draw(
    registry: &Registry,
    run: &Run,
    actor: &Actor,
    year: Year,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<(), ImportError> {
    let mut after = Vec::new();
    let mut done = 0;
    loop {
        let mut work = run.begin(registry).await?;
        let rows = sqlx::query(
            "SELECT pupils.person FROM pupils WHERE pupils.standing = 'enrolled' AND pupils.person > $1 AND NOT EXISTS \
             (SELECT 1 FROM wallets WHERE wallets.person = pupils.person AND wallets.year = $2) \
             ORDER BY pupils.person LIMIT $3",
        )
        .bind(&after[..])
        .bind(i64::from(year.0))
        .bind(CHUNK as i64)
        .fetch_all(work.connection())
        .await?;
        let mut persons = Vec::with_capacity(rows.len());
        for row in &rows {
            persons.push(PersonId(list::id(row.try_get("person")?, "pupils.person")?));
        }
        let Some(last) = persons.last() else { break };
        after = last.0.to_vec();
        done += wallets::draw(&mut work, year, &persons).await?;
        work.commit().await?;
        progress(Progress { phase: Phase::Drawing, done, of: None });
    }
    Ok(funds::follow(registry, actor, year).await?)
}

struct Chunk<'a> {
    actor: &'a Actor,
    options: &'a Options,
    generation: i64,
}

impl Chunk<'_> {
    async fn take_over(&self, work: &mut Work, action: Action, notes: &[Note]) -> Result<(), RegistryError> {
        let pupils: Vec<&After> = notes.iter().filter_map(|note| note.after.as_ref()).collect();
        match action {
            Action::Same | Action::Bad => Ok(()),
            Action::Arrive => self.arrive(work, &pupils).await,
            Action::Return | Action::Move | Action::Change => {
                let facts = |after: &&After| after.person.map(|person| (person, after.facts.clone()));
                let facts: Vec<(PersonId, PupilFacts)> = pupils.iter().filter_map(facts).collect();
                people::change(work, &facts, self.generation, self.options.at).await?;
                self.learn(work, &known(&pupils)).await?;
                match action {
                    Action::Return => self.keep_wallets(work, &pupils).await,
                    Action::Move => self.move_wallets(work, &pupils).await,
                    Action::Same | Action::Bad | Action::Arrive | Action::Change | Action::Leave => Ok(()),
                }
            }
            Action::Leave => {
                let persons: Vec<PersonId> = pupils.iter().filter_map(|after| after.person).collect();
                self.learn(work, &known(&pupils)).await?;
                self.leave(work, &persons).await
            }
        }
    }

    async fn arrive(&self, work: &mut Work, pupils: &[&After]) -> Result<(), RegistryError> {
        let facts: Vec<PupilFacts> = pupils.iter().map(|after| after.facts.clone()).collect();
        let persons = people::arrive(work, &facts, self.generation, self.options.at).await?;
        let known: Vec<(PersonId, u64)> =
            persons.iter().zip(pupils).map(|(person, after)| (*person, after.known_at)).collect();
        self.learn(work, &known).await
    }

    /// Keeps when the register learned of changes that a delta brought.
    async fn learn(&self, work: &mut Work, known: &[(PersonId, u64)]) -> Result<(), RegistryError> {
        for (person, at) in known.iter().filter(|(_, at)| *at > 0) {
            sqlx::query("UPDATE pupils SET known_at = $1 WHERE person = $2")
                .bind(list::instant(Timestamp(*at)))
                .bind(&person.0[..])
                .execute(work.connection())
                .await?;
        }
        Ok(())
    }

    async fn wallets(
        &self,
        work: &mut Work,
        persons: &[PersonId],
    ) -> Result<BTreeMap<PersonId, Wallet>, RegistryError> {
        let vault = work.vault();
        wallets::of_persons(work.connection(), &vault, self.options.year, persons).await
    }

    /// Pupils are not enrolled any more; wallets that the ledger has, or will have, are closed there.
    async fn leave(&self, work: &mut Work, persons: &[PersonId]) -> Result<(), RegistryError> {
        people::leave(work, persons, self.generation, self.options.at).await?;
        let found = self.wallets(work, persons).await?;
        let mut never_told = Vec::new();
        let mut wishes = Vec::new();
        for wallet in found.values() {
            match (wallet.state, wallet.pending) {
                (WalletState::Closed, _) => {}
                (WalletState::Drawn, None) => never_told.push(wallet.wallet),
                (WalletState::Drawn, Some(_)) | (WalletState::Opened | WalletState::Allocated, _) => {
                    let party = Party::Pupil(wallet.year, wallet.wallet);
                    let operation = Operation::Wallet(WalletOperation::Close { party });
                    let new = New::of(Office::Operator, "close_pupil", operation).then(Effect::PupilClosed);
                    wishes.push((wallet, new.after(wallet.latest.or(wallet.pending))));
                }
            }
        }
        wallets::undrawn(work, self.options.year, &never_told).await?;
        self.enqueue(work, wishes).await
    }

    async fn enqueue(&self, work: &mut Work, wishes: Vec<(&Wallet, New)>) -> Result<(), RegistryError> {
        let (wallets, new): (Vec<&Wallet>, Vec<New>) = wishes.into_iter().unzip();
        let rows = outbox::enqueue_all(work, self.actor, &new).await?;
        for (wallet, row) in wallets.iter().zip(rows) {
            wallets::note_latest(work, self.options.year, wallet.wallet, row).await?;
        }
        Ok(())
    }

    /// Wallets of pupils who changed school or grade follow them.
    async fn move_wallets(&self, work: &mut Work, pupils: &[&After]) -> Result<(), RegistryError> {
        let persons: Vec<PersonId> = pupils.iter().filter_map(|after| after.person).collect();
        let found = self.wallets(work, &persons).await?;
        let mut wishes = Vec::new();
        for after in pupils {
            let Some(wallet) = after.person.and_then(|person| found.get(&person)) else { continue };
            let place = (after.facts.school, after.facts.grade);
            match (wallet.state, wallet.pending) {
                (WalletState::Closed, _) => {}
                (WalletState::Drawn, None) => wallets::retold(work, wallet.year, wallet.wallet, place).await?,
                (WalletState::Drawn, Some(_)) | (WalletState::Opened | WalletState::Allocated, _) => {
                    let there = (wallet.school, wallet.grade) == place && wallet.latest.is_none();
                    if !there {
                        wishes.push((wallet, moving(wallet, place, !after.release)));
                    }
                }
            }
        }
        self.enqueue(work, wishes).await
    }

    /// Who is back keeps the wallet of the year if closing it has not left yet. A wallet that is closed stays closed: the ledger
    /// gives nobody a second one in a year.
    async fn keep_wallets(&self, work: &mut Work, pupils: &[&After]) -> Result<(), RegistryError> {
        let persons: Vec<PersonId> = pupils.iter().filter_map(|after| after.person).collect();
        for wallet in self.wallets(work, &persons).await?.values() {
            if let Some(row) = wallet.latest {
                outbox::take_back(work, row).await?;
            }
        }
        self.move_wallets(work, pupils).await
    }
}

fn known(pupils: &[&After]) -> Vec<(PersonId, u64)> {
    pupils.iter().filter_map(|after| after.person.map(|person| (person, after.known_at))).collect()
}

fn moving(wallet: &Wallet, (school, grade): (SchoolId, u8), keep_lines: bool) -> New {
    let Wallet { year, wallet: pupil, .. } = *wallet;
    let operation = Operation::Wallet(WalletOperation::MovePupil { year, pupil, school, grade, keep_lines });
    // What opens a wallet must be done first; what gives it money need not.
    let opening = wallet.pending.filter(|_| wallet.state == WalletState::Drawn);
    New::of(Office::Operator, "move_pupil", operation).then(Effect::PupilMoved).after(wallet.latest.or(opening))
}
