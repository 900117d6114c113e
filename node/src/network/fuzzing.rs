//! Doors to what peers say, for fuzzers alone (`--cfg fuzzing`). Each panics where a promise does not hold.

use futures::executor::block_on;
use futures::io::Cursor;
use keis_ledger::crypto::Hash;
use libp2p::request_response::Codec;

use super::exchange::ExchangeFraming;
use super::wire::{Framing, protocol};

/// The bytes of a stream, as each of the two protocols reads requests and answers: what is read is written with the same bytes.
pub fn frames(bytes: &[u8]) {
    speak(&mut Framing, bytes);
    speak(&mut ExchangeFraming, bytes);
}

fn speak<R: Send, C>(framing: &mut C, bytes: &[u8])
where
    C: Codec<Protocol = libp2p::StreamProtocol, Request = Option<R>>,
{
    let protocol = protocol(&Hash([1; 32]));
    if let Ok(Some(request)) = block_on(framing.read_request(&protocol, &mut Cursor::new(bytes))) {
        let mut again = Cursor::new(Vec::new());
        block_on(framing.write_request(&protocol, &mut again, Some(request))).expect("what was read fits a frame");
        assert!(bytes.starts_with(again.get_ref()), "a request has one encoding");
    }
    if let Ok(response) = block_on(framing.read_response(&protocol, &mut Cursor::new(bytes))) {
        let mut again = Cursor::new(Vec::new());
        block_on(framing.write_response(&protocol, &mut again, response)).expect("what was read fits a frame");
        assert!(bytes.starts_with(again.get_ref()), "an answer has one encoding");
    }
}
