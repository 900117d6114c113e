use keis_ledger::chain::{Address, VoteStep};
use keis_ledger::ids::BlockId;
use malachite_core_types::{Round, RoundCertificate, SignedMessage};
use malachite_sync::RawDecidedValue;

use super::mirror::*;
use super::*;
use crate::context::{EngineProposal, EngineVote, WITHHELD};
use crate::guard::Beginning;

fn wire() -> Wire {
    Wire::of_network(Arc::new(Witness::new(Height(5))), None, tokio::sync::mpsc::channel(1).0)
}

fn signature(byte: u8) -> Sealed {
    Sealed(Signature([byte; 64]))
}

fn address(byte: u8) -> EngineAddress {
    EngineAddress(Address([byte; 20]))
}

fn vote(height: u64, block: Option<BlockId>) -> SignedMessage<KeisContext, EngineVote> {
    let vote = EngineVote {
        step: VoteStep::Precommit,
        height: EngineHeight(Height(height)),
        round: Round::new(2),
        value: nil_or(block),
        voter: address(1),
    };
    SignedMessage::new(vote, signature(2))
}

fn proposal() -> SignedMessage<KeisContext, EngineProposal> {
    let proposal = EngineProposal {
        height: EngineHeight(Height(6)),
        round: Round::new(1),
        value: EngineValue(BlockId([3; 32])),
        valid_round: Round::Nil,
        proposer: address(4),
    };
    SignedMessage::new(proposal, signature(5))
}

fn polka() -> PolkaCertificate<KeisContext> {
    polka_of(PolkaMirror {
        height: Height(6),
        round: Some(0),
        block: BlockId([1; 32]),
        signatures: List((0..4).map(|n| (Address([n; 20]), Signature([n; 64]))).collect()),
    })
}

fn skip() -> RoundCertificate<KeisContext> {
    let of = |n| (VoteStep::Prevote, (n > 1).then_some(BlockId([n; 32])), Address([n; 20]), Signature([n; 64]));
    let signatures = List((0..3).map(of).collect());
    skip_of(SkipMirror { height: Height(6), round: Some(3), precommits: false, signatures })
}

fn response() -> Response<KeisContext> {
    let certificate = |height| {
        let signatures = (0..3).map(|n| (Address([n; 20]), Signature([n; 64]))).collect();
        commit_of(Height(height), Round::new(0), BlockId([9; 32]), signatures)
    };
    let value = |height| RawDecidedValue::new(Bytes::from(vec![7; 100_000]), extended(certificate(height)));
    Response::ValueResponse(ValueResponse::new(EngineHeight(Height(1)), (1..4).map(value).collect()))
}

/// Encodes, decodes, and tries every shortening and a lengthening of the bytes.
fn round_trip<T>(message: &T)
where
    Wire: Codec<T, Error = WireError>,
    T: PartialEq + std::fmt::Debug,
{
    let wire = wire();
    let bytes = wire.encode(message).unwrap();
    assert_eq!(&wire.decode(bytes.clone()).unwrap(), message);
    let step = (bytes.len() / 200).max(1);
    for length in (0..bytes.len()).step_by(step) {
        let shorter: Result<T, WireError> = wire.decode(bytes.slice(..length));
        shorter.unwrap_err();
    }
    let longer = [&bytes[..], &[0]].concat();
    wire.decode(longer.into()).unwrap_err();
}

#[test]
fn everything_comes_back_as_it_was() {
    round_trip(&SignedConsensusMsg::Vote(vote(6, None)));
    round_trip(&SignedConsensusMsg::Vote(vote(6, Some(BlockId([8; 32])))));
    round_trip(&SignedConsensusMsg::Proposal(proposal()));
    round_trip(&LivenessMsg::Vote(vote(6, None)));
    round_trip(&LivenessMsg::PolkaCertificate(polka()));
    round_trip(&LivenessMsg::SkipRoundCertificate(skip()));
    round_trip(&polka());
    let head = Part::Head { height: Height(1), round: 0, valid_round: None, proposer: Address([1; 20]), length: 5 };
    let id = StreamId::new(Bytes::from_static(b"stream"));
    round_trip(&StreamMessage::new(id.clone(), 0, StreamContent::Data(head.clone())));
    round_trip(&StreamMessage::new(id.clone(), 1, StreamContent::Data(Part::Body(vec![1; 70_000].into()))));
    round_trip(&StreamMessage::<Part>::new(id, 2, StreamContent::Fin));
    round_trip(&head);
    round_trip(&Part::Accusation(SignedConsensusMsg::Proposal(proposal())));
    round_trip(&ValidatorProof::<KeisContext>::new(vec![1; 32], vec![2; 38], signature(3)));
    round_trip(&ProposedValue::<KeisContext> {
        height: EngineHeight(Height(6)),
        round: Round::new(0),
        valid_round: Round::Nil,
        proposer: address(1),
        value: EngineValue(BlockId([2; 32])),
        validity: Validity::Invalid,
    });
    round_trip(&Request::<KeisContext>::ValueRequest(ValueRequest::new(
        EngineHeight(Height(1))..=EngineHeight(Height(9)),
    )));
    round_trip(&response());
    let bytes = wire().encode(&response()).unwrap();
    assert_eq!(wire().encoded_len(&response()).unwrap(), bytes.len());
}

#[test]
fn a_length_without_bytes_behind_it_costs_no_memory() {
    let prefix = |length: u64| Bytes::copy_from_slice(&length.to_le_bytes());
    for length in [1, 60 << 20, u64::MAX / 2, u64::MAX] {
        assert!(codec::decode::<Blob>(&prefix(length)).is_err());
        assert!(codec::decode::<List<(Address, Signature)>>(&prefix(length)).is_err());
    }
}

#[test]
fn ranges_and_stream_ids_are_bounded() {
    let backwards = codec::encode(&(Height(5), Height(4)));
    let range: Result<Request<KeisContext>, _> = wire().decode(backwards.into());
    assert!(matches!(range, Err(WireError::Bounds(_))));
    let long = StreamMessage::<Part>::new(StreamId::new(vec![0; MAX_STREAM_ID + 1].into()), 0, StreamContent::Fin);
    let decoded: Result<StreamMessage<Part>, _> = wire().decode(wire().encode(&long).unwrap());
    assert!(matches!(decoded, Err(WireError::Bounds(_))));
}

#[test]
fn what_the_guard_withheld_is_never_encoded() {
    let mut unsigned = vote(6, None);
    unsigned.signature = WITHHELD;
    assert!(matches!(wire().encode(&SignedConsensusMsg::Vote(unsigned.clone())), Err(WireError::Withheld)));
    assert!(matches!(wire().encode(&LivenessMsg::Vote(unsigned)), Err(WireError::Withheld)));
    let mut unsigned = proposal();
    unsigned.signature = WITHHELD;
    assert!(matches!(wire().encode(&SignedConsensusMsg::Proposal(unsigned)), Err(WireError::Withheld)));
}

#[test]
fn no_key_makes_the_withheld_signature_valid() {
    let keys = (0..=255).map(|byte| keis_ledger::crypto::PublicKey([byte; 32]));
    assert!(!keys.into_iter().any(|key| key.verify(b"anything", &WITHHELD.0)));
}

#[test]
fn peers_tell_their_heights_and_cannot_raise_them_far() {
    let witness = Arc::new(Witness::new(Height(5)));
    let wire = Wire::of_network(witness.clone(), None, tokio::sync::mpsc::channel(1).0);
    let newest = witness.newest();
    let hear = |height| {
        let bytes = wire.encode(&SignedConsensusMsg::Vote(vote(height, None))).unwrap();
        let _: SignedConsensusMsg<KeisContext> = wire.decode(bytes).unwrap();
        newest.borrow().0
    };
    assert_eq!(hear(6), 6);
    assert_eq!(hear(3), 6);
    assert_eq!(hear(1_000_000), 6);
    witness.peer_tip(Height(u64::MAX));
    assert_eq!(newest.borrow().0, 6);
    witness.committed(Height(6), true);
    assert_eq!(witness.claimed().borrow().0, u64::MAX);
    witness.committed(Height(7), false);
    assert_eq!(witness.claimed().borrow().0, 7, "what was decided here shows that the claim was empty");
}

#[test]
fn the_log_reminds_the_guard_of_what_the_engine_remembers() {
    let folder = tempfile::tempdir().unwrap();
    let network = keis_ledger::crypto::Hash([1; 32]);
    let secret = keis_ledger::crypto::SecretKey::from_bytes(&[2; 32]);
    let guard = Guard::create(folder.path(), network, secret.clone(), Beginning::Genesis).unwrap();
    let lock = Message::vote(VoteStep::Precommit, Height(6), 2, Some(BlockId([8; 32])));
    guard.sign(&lock).unwrap();
    drop(guard);
    let guard = Arc::new(Guard::open(folder.path(), network, secret).unwrap());
    let other = Message::vote(VoteStep::Prevote, Height(6), 3, Some(BlockId([9; 32])));
    assert!(matches!(guard.sign(&other).unwrap(), crate::guard::Answer::Withheld(_)));
    let wire = Wire::of_log(Some(guard.clone()), tokio::sync::mpsc::channel(1).0);
    let mut own = vote(6, Some(BlockId([8; 32])));
    own.message.voter = EngineAddress(guard.address());
    let bytes = wire.encode(&SignedConsensusMsg::Vote(own)).unwrap();
    let _: SignedConsensusMsg<KeisContext> = wire.decode(bytes).unwrap();
    assert!(matches!(guard.sign(&other).unwrap(), crate::guard::Answer::Signed(..)));
}

#[test]
fn nothing_signed_leaves_before_it_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let secret = keis_ledger::crypto::SecretKey::from_bytes(&[2; 32]);
    let network = keis_ledger::crypto::Hash([1; 32]);
    let guard = Arc::new(Guard::create(folder.path(), network, secret, Beginning::Genesis).unwrap());
    let alive = || tokio::sync::mpsc::channel(1).0;
    let log = Wire::of_log(Some(guard.clone()), alive());
    let net = Wire::of_network(Arc::new(Witness::new(Height(5))), Some(guard.clone()), alive());
    let leaves: [&dyn Fn(&Wire); 2] =
        [&|wire| drop(wire.encode(&SignedConsensusMsg::Vote(vote(6, None))).unwrap()), &|wire| {
            drop(wire.encode(&LivenessMsg::Vote(vote(6, None))).unwrap())
        }];
    for (round, leave) in (0..).zip(leaves) {
        guard.sign(&Message::vote(VoteStep::Prevote, Height(6), round, None)).unwrap();
        leave(&log);
        assert!(!guard.is_settled(), "its own log is settled beside the guard, not after it");
        leave(&net);
        assert!(guard.is_settled());
    }
}
