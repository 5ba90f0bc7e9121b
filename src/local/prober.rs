//! Looks at tasks over the network (`probe`), each by a task of the runtime.
//!
//! # Invariants
//! * A look is reported once, unless it is ended before. How long it may take is not decided here.

use super::probe::{Found, Probe};
use super::process::RunId;
use super::web;
use std::collections::HashMap;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// The looks of one cluster that are not reported yet. Dropping it ends them.
#[derive(Debug, Default)]
pub(crate) struct Prober(HashMap<RunId, AbortHandle>);

impl Prober {
    pub(crate) fn start(
        &mut self,
        runtime: &Handle,
        run: RunId,
        probe: Probe,
        report: impl FnOnce(Found) + Send + 'static,
    ) {
        let look = runtime.spawn(async move { report(look(probe).await) });
        self.0.insert(run, look.abort_handle());
    }

    /// Its answer is there, or is of no use any more.
    pub(crate) fn end(&mut self, run: RunId) {
        if let Some(look) = self.0.remove(&run) {
            look.abort();
        }
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.0.values().for_each(AbortHandle::abort);
    }
}

async fn look(Probe { address, path }: Probe) -> Found {
    let Some(path) = path else {
        return Found::Connection(TcpStream::connect(address).await.is_ok());
    };
    match status(format!("{address}{path}")).await {
        Ok(status) => Found::Status(status),
        Err(error) => {
            tracing::debug!(%error, "a look at http://{address}{path}");
            Found::Nothing
        }
    }
}

/// The status of an answer that comes to its end.
async fn status(url: String) -> Result<u16, String> {
    let answer = web::get(url).await?;
    let status = answer.status().as_u16();
    answer.end().await?;
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc;

    const RUN: RunId = RunId { agent: 0, number: 0 };

    fn found(probe: Probe) -> Found {
        crate::runtime::handle().unwrap().block_on(look(probe))
    }

    /// A server that gives these answers, one a connection.
    fn server(answers: &'static [&'static str]) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let _read = stream.read(&mut [0; 1024]).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    #[test]
    fn a_server_is_asked_for_its_status_wherever_it_sends_us() {
        let address = server(&[
            "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 418 Teapot\r\nContent-Length: 2\r\n\r\nhi",
            "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nnot whole",
            "",
        ]);
        let probe = Probe { address, path: Some("/x".into()) };
        assert_eq!(found(probe.clone()), Found::Status(418));
        assert_eq!(found(probe.clone()), Found::Nothing, "it broke off");
        assert_eq!(found(probe), Found::Nothing, "no answer at all");
    }

    #[test]
    fn a_port_is_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let probe = Probe { address: listener.local_addr().unwrap(), path: None };
        assert_eq!(found(probe.clone()), Found::Connection(true));
        drop(listener);
        assert_eq!(found(probe), Found::Connection(false));
    }

    #[test]
    fn a_look_that_was_ended_reports_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap(); // it never answers
        let probe = Probe { address: listener.local_addr().unwrap(), path: Some("/".into()) };
        let (sender, receiver) = mpsc::channel();
        let mut prober = Prober::default();
        prober.start(&crate::runtime::handle().unwrap(), RUN, probe, move |found| {
            sender.send(found).unwrap();
        });
        prober.end(RUN);
        receiver.recv().unwrap_err();
    }
}
