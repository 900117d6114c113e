//! A sample is opened by two persons, names nobody, and shows what was invented.

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Nullifier, PupilId};
use keis_registry::RegistryError;
use keis_registry::erasure::Circumstances;
use keis_registry::permission::Role;
use keis_registry::sampling::{SampleError, SampleFault, SampledWallet};

use crate::scene::{SECRETS, SYSTEM, Scene, YEAR, scene};
use crate::support::both;

const MARK: &str = "5f0e";
const CODES: [&str; 5] = ["4400000011", "4400000012", "4400000013", "4400000014", "4400000015"];

/// Every pupil's wallet with the token that the ledger would hold.
async fn sample(scene: &Scene) -> Vec<SampledWallet> {
    let mut sample = Vec::new();
    for (person, code) in scene.pupils.iter().zip(CODES) {
        let record = scene.registry.pupil(&SYSTEM, *person, YEAR).await.unwrap().unwrap();
        let nullifier = scene.registry.vault().nullifier(YEAR, code);
        sample.push(SampledWallet { year: YEAR, wallet: record.card.wallet.unwrap(), nullifier });
    }
    sample
}

#[tokio::test]
async fn two_persons_open_a_sample_and_the_log_keeps_both() {
    both(async |place| {
        let scene = scene(&place).await;
        let (officer, witness) = (scene.officer().await, scene.user("budget", Role::BudgetOfficer, None).await);
        let wallets = sample(&scene).await;
        let before = scene.actions().await.len();
        let report = scene.registry.open_sample(officer.id, witness.id, MARK, &wallets).await.unwrap();
        assert_eq!((report.wallets, report.proven, report.faults.len()), (5, 5, 0));
        assert_eq!(scene.actions().await[before..before + 2], ["sample opened", "opening of a sample witnessed"]);
        let told = format!("{report:?}");
        assert!(SECRETS.iter().all(|secret| !told.contains(secret)), "{told}");

        // A wallet named twice is one; a pupil of the same code has one token a year.
        let twice = [&wallets[..], &wallets[..2]].concat();
        let report = scene.registry.open_sample(officer.id, witness.id, MARK, &twice).await.unwrap();
        assert_eq!((report.wallets, report.proven), (5, 5));
    })
    .await;
}

#[tokio::test]
async fn what_was_invented_shows() {
    both(async |place| {
        let scene = scene(&place).await;
        let (officer, witness) = (scene.officer().await, scene.user("budget", Role::BudgetOfficer, None).await);
        let mut wallets = sample(&scene).await;
        let erased =
            scene.registry.erase(&SYSTEM, scene.pupils[4], Circumstances { open_orders: false, despite_them: false });
        erased.await.unwrap();
        wallets[0].nullifier = Nullifier([1; 32]);
        wallets[1].year = Year(2025);
        wallets.push(SampledWallet { year: YEAR, wallet: PupilId([9; 16]), nullifier: Nullifier([9; 32]) });
        let report = scene.registry.open_sample(officer.id, witness.id, MARK, &wallets).await.unwrap();
        assert_eq!((report.wallets, report.proven), (6, 2));
        let fault =
            |wallet: SampledWallet| report.faults.iter().find(|(faulty, _)| *faulty == wallet).map(|(_, fault)| *fault);
        assert_eq!(fault(wallets[0]), Some(SampleFault::OtherToken));
        assert_eq!(fault(wallets[1]), Some(SampleFault::Nobody), "a wallet is of its year alone");
        assert_eq!(fault(wallets[4]), Some(SampleFault::Nobody), "an erased person answers to nothing");
        assert_eq!(fault(wallets[5]), Some(SampleFault::Nobody));
        assert_eq!(fault(wallets[2]), None);
    })
    .await;
}

#[tokio::test]
async fn nobody_opens_a_sample_alone_or_without_the_right() {
    both(async |place| {
        let scene = scene(&place).await;
        let (officer, witness) = (scene.officer().await, scene.user("budget", Role::BudgetOfficer, None).await);
        let (coordinator, wallets) = (scene.coordinator().await, sample(&scene).await);
        let before = scene.actions().await.len();
        let open =
            async |officer, witness| scene.registry.open_sample(officer, witness, MARK, &wallets).await.unwrap_err();
        assert!(matches!(open(officer.id, officer.id).await, SampleError::Alone(user) if user == officer.id));
        for (first, second) in [(coordinator.id, witness.id), (officer.id, coordinator.id), (witness.id, officer.id)] {
            let refused = open(first, second).await;
            assert!(matches!(refused, SampleError::Registry(RegistryError::Denied { .. })), "{refused:?}");
        }
        assert!(!scene.actions().await[before..].iter().any(|action| action.starts_with("sample")));
    })
    .await;
}
