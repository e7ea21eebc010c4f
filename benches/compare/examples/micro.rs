use sipboard::sip::*; use std::{hint::black_box,time::Instant};
fn t(n:&str, mut f: impl FnMut()) { for _ in 0..20000{f()} let mut best=f64::MAX; for _ in 0..8 {let b=Instant::now(); for _ in 0..50000 {f()} best=best.min(b.elapsed().as_nanos() as f64/50000.0);} println!("{n}: {best:.1} ns"); }
fn main(){ let bytes=sipboard_compare::MESSAGES[0].bytes(); let m=Message::read(bytes.clone()).unwrap();
 t("clone bytes",||{black_box(bytes.clone());});
 t("read",||{black_box(Message::read(black_box(&bytes).clone()).unwrap());});
 t("via",||{black_box(black_box(&m).via().unwrap());});
 t("from",||{black_box(black_box(&m).from().unwrap());});
 t("to",||{black_box(black_box(&m).to().unwrap());});
 t("cseq",||{black_box(black_box(&m).cseq().unwrap());});
 t("callid",||{black_box(black_box(&m).call_id().unwrap());});
 t("contact",||{black_box(black_box(&m).contact().unwrap());});
 t("essentials",||{black_box(black_box(&m).essentials().unwrap());});
 t("uri",||{black_box(Uri::parse(black_box("sip:alice@client.atlanta.example.com:5060;transport=tcp")).unwrap());});
 t("both",||{let m=Message::read(black_box(&bytes).clone()).unwrap(); black_box(m.essentials().unwrap()); black_box(m.contact().unwrap());});
 t("header",||{black_box(black_box(&m).header(HeaderName::Contact));});
}
