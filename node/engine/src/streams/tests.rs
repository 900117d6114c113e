use super::*;

const PEER: &[u8] = b"peer";

fn block(length: usize) -> Assembled {
    let bytes: Vec<u8> = (0..length).map(|index| index as u8).collect();
    Assembled { height: Height(5), round: 1, valid_round: Some(0), proposer: Address([1; 20]), bytes: bytes.into() }
}

fn id(number: u64) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

fn head(length: u32) -> Part {
    Part::Head { height: Height(5), round: 0, valid_round: None, proposer: Address([1; 20]), length }
}

#[test]
fn parts_in_any_order_make_the_block() {
    for length in [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
        let sent = block(length);
        let parts: Vec<_> = (0..).zip(split(&sent)).collect();
        assert_eq!(parts.len(), 1 + length.div_ceil(PIECE));
        for turn in 0..parts.len() {
            let mut streams = Streams::new(4 * PIECE, 3);
            let order = (0..parts.len()).map(|place| parts[(place * (parts.len() - 1) + turn) % parts.len()].clone());
            let mut order: Vec<_> = order.collect();
            order.sort_by_key(|(sequence, _)| (sequence + turn as u64) % parts.len() as u64);
            let last = order.pop().unwrap();
            for (sequence, part) in order {
                assert_eq!(streams.accept(PEER, &id(1), sequence, part), None);
            }
            assert_eq!(streams.accept(PEER, &id(1), last.0, last.1), Some(sent.clone()));
            assert!(streams.peers[PEER].is_empty());
        }
    }
}

#[test]
fn what_is_too_long_or_does_not_fit_is_dropped() {
    let mut streams = Streams::new(2 * PIECE, 3);
    let full = Part::Body(vec![0; PIECE].into());
    for (sequence, part) in [
        (0, head(2 * PIECE as u32 + 1)),
        (0, head(0)),
        (1, head(5)),
        (0, full.clone()),
        (3, full.clone()),
        (u64::MAX, full.clone()),
        (1, Part::Body(Bytes::new())),
        (1, Part::Body(vec![0; PIECE + 1].into())),
    ] {
        assert_eq!(streams.accept(PEER, &id(1), sequence, part), None);
        assert!(streams.peers[PEER].is_empty());
    }
    streams.accept(PEER, &id(2), 0, head(5));
    assert_eq!(streams.accept(PEER, &id(2), 1, full), None);
    assert!(streams.peers[PEER].is_empty(), "more bytes than the head announced");
}

#[test]
fn a_peer_pushes_out_only_its_own_oldest_stream() {
    let mut streams = Streams::new(2 * PIECE, 2);
    let other = b"other".as_slice();
    streams.accept(other, &id(0), 0, head(2));
    for number in 0..100 {
        streams.accept(PEER, &id(number), 0, head(2));
    }
    assert_eq!(streams.peers[PEER].len(), STREAMS_PER_PEER);
    assert!(streams.accept(PEER, &id(99), 1, Part::Body(vec![1, 2].into())).is_some());
    assert!(streams.accept(PEER, &id(0), 1, Part::Body(vec![1, 2].into())).is_none());
    assert!(streams.accept(other, &id(0), 1, Part::Body(vec![1, 2].into())).is_some());
    assert!(streams.accept(b"third", &id(0), 0, head(2)).is_none());
    assert_eq!(streams.peers.len(), 2);
}

#[test]
fn decided_heights_free_their_streams() {
    let mut streams = Streams::new(2 * PIECE, 2);
    streams.accept(PEER, &id(0), 0, head(2));
    streams.committed(Height(4));
    assert_eq!(streams.peers.len(), 1);
    streams.committed(Height(5));
    assert!(streams.peers.is_empty());
}
