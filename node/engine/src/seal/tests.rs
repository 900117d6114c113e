use keis_ledger::chain::{Certificate, Height, Validator, ValidatorSet, VoteStep};
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{BlockId, InstitutionId};
use malachite_core_types::Round;

use super::*;
use crate::context::{EngineAddress, EngineHeight, EngineValue};
use crate::guard::{Beginning, Foreign, GuardState};

const NETWORK: Hash = Hash([9; 32]);

fn alive() -> Alive {
    tokio::sync::mpsc::channel(1).0
}

fn secret(index: u8) -> SecretKey {
    SecretKey::from_bytes(&[index + 1; 32])
}

fn guard(folder: &tempfile::TempDir, index: u8) -> Arc<Guard> {
    Arc::new(Guard::create(folder.path(), NETWORK, secret(index), Beginning::Genesis).unwrap())
}

fn signer(guard: &Arc<Guard>) -> GuardedSigner {
    GuardedSigner { guard: guard.clone(), alive: alive() }
}

fn vote(guard: &Guard, step: VoteStep, block: Option<u8>) -> EngineVote {
    EngineVote {
        step,
        height: EngineHeight(Height(3)),
        round: Round::new(1),
        value: block.map_or(NilOrVal::Nil, |byte| NilOrVal::Val(BlockId([byte; 32]))),
        voter: EngineAddress(guard.address()),
    }
}

fn proposal(guard: &Guard, block: u8) -> EngineProposal {
    EngineProposal {
        height: EngineHeight(Height(3)),
        round: Round::new(1),
        value: EngineValue(BlockId([block; 32])),
        valid_round: Round::Nil,
        proposer: EngineAddress(guard.address()),
    }
}

#[tokio::test]
async fn what_is_signed_verifies_and_what_is_withheld_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let guard = guard(&folder, 0);
    let (signer, key) = (signer(&guard), guard.public_key());
    let verifier = StrictVerifier {
        network: NETWORK,
        witness: Arc::new(Witness::new(Height(2))),
        guard: Some(guard.clone()),
        _alive: alive(),
    };
    let first = signer.sign_proposal(proposal(&guard, 1)).await.unwrap();
    assert!(verifier.verify_signed_proposal(&first.message, &first.signature, &key).await.unwrap().is_valid());
    let second = signer.sign_proposal(proposal(&guard, 2)).await.unwrap();
    assert_eq!(second.signature, WITHHELD);
    assert!(verifier.verify_signed_proposal(&second.message, &second.signature, &key).await.unwrap().is_invalid());
    let other_network = StrictVerifier {
        network: Hash([8; 32]),
        witness: Arc::new(Witness::new(Height(2))),
        guard: None,
        _alive: alive(),
    };
    assert!(other_network.verify_signed_proposal(&first.message, &first.signature, &key).await.unwrap().is_invalid());

    let prevote = signer.sign_vote(vote(&guard, VoteStep::Prevote, Some(1))).await.unwrap();
    assert!(verifier.verify_signed_vote(&prevote.message, &prevote.signature, &key).await.unwrap().is_valid());
    let again = signer.sign_vote(vote(&guard, VoteStep::Prevote, None)).await.unwrap();
    assert_eq!(again, prevote, "the recorded vote, not the asked one");
    assert_eq!(guard.state(), GuardState::Active);
}

#[tokio::test]
async fn precommits_make_a_certificate_that_the_ledger_verifies_alone() {
    let folders: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let guards: Vec<_> = (0..4).map(|index| guard(&folders[usize::from(index)], index)).collect();
    let of = |index: u8| Validator {
        institution: InstitutionId([index; 16]),
        key: guards[usize::from(index)].public_key(),
        power: 1,
    };
    let validators = ValidatorSet::new((0..4).map(of).collect()).unwrap();
    let witness = Arc::new(Witness::new(Height(2)));
    let verifier = StrictVerifier { network: NETWORK, witness: witness.clone(), guard: None, _alive: alive() };
    let mut certificate = Certificate { height: Height(3), round: 1, block: BlockId([7; 32]), signatures: Vec::new() };
    for guard in &guards[..3] {
        assert!(!witness.quorum(VoteStep::Precommit, Height(3), 1, BlockId([7; 32]), &validators));
        let signed = signer(guard).sign_vote(vote(guard, VoteStep::Precommit, Some(7))).await.unwrap();
        verifier.verify_signed_vote(&signed.message, &signed.signature, &guard.public_key()).await.unwrap();
        certificate.signatures.push((guard.address(), signed.signature.0));
    }
    assert!(witness.quorum(VoteStep::Precommit, Height(3), 1, BlockId([7; 32]), &validators));
    assert!(!witness.quorum(VoteStep::Prevote, Height(3), 1, BlockId([7; 32]), &validators));
    certificate.verify(&NETWORK, &validators).unwrap();
    witness.committed(Height(3), false);
    assert!(!witness.quorum(VoteStep::Precommit, Height(3), 1, BlockId([7; 32]), &validators));
}

#[tokio::test]
async fn only_a_true_signature_accuses() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (guard, copy) = (guard(&here, 0), guard(&there, 0));
    let own = signer(&guard).sign_vote(vote(&guard, VoteStep::Precommit, Some(1))).await.unwrap();
    let theirs = signer(&copy).sign_vote(vote(&copy, VoteStep::Precommit, None)).await.unwrap();
    let mut forged = theirs.clone();
    forged.signature = own.signature;
    accuse(&guard, &NETWORK, &SignedConsensusMsg::Vote(own)).unwrap();
    accuse(&guard, &NETWORK, &SignedConsensusMsg::Vote(forged)).unwrap();
    accuse(&guard, &Hash([1; 32]), &SignedConsensusMsg::Vote(theirs.clone())).unwrap();
    assert_eq!(guard.state(), GuardState::Active);
    accuse(&guard, &NETWORK, &SignedConsensusMsg::Vote(theirs)).unwrap();
    assert_eq!(guard.state(), GuardState::Foreign(Foreign::SecondCopy));
    assert!(*guard.second_copy().borrow());
}
