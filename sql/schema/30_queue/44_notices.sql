create sequence queue.notice_0;
create sequence queue.notice_1;
create sequence queue.notice_2;
create sequence queue.notice_3;
create sequence queue.notice_4;
create sequence queue.notice_5;
create sequence queue.notice_6;
create sequence queue.notice_7;

-- Cells that are written outside of transactions: when somebody was last notified. See queue.notify_ready.
comment on sequence queue.notice_0 is 'Last notification of the types whose hash ends in 0: milliseconds * 256 + part of the hash.';
comment on sequence queue.notice_1 is 'Last notification of the types whose hash ends in 1: milliseconds * 256 + part of the hash.';
comment on sequence queue.notice_2 is 'Last notification of the types whose hash ends in 2: milliseconds * 256 + part of the hash.';
comment on sequence queue.notice_3 is 'Last notification of the types whose hash ends in 3: milliseconds * 256 + part of the hash.';
comment on sequence queue.notice_4 is 'Last notification of the types whose hash ends in 4: milliseconds * 256 + part of the hash.';
comment on sequence queue.notice_5 is 'Last notification of the types whose hash ends in 5: milliseconds * 256 + part of the hash.';
comment on sequence queue.notice_6 is 'Last notification of the types whose hash ends in 6: milliseconds * 256 + part of the hash.';
comment on sequence queue.notice_7 is 'Last notification of the types whose hash ends in 7: milliseconds * 256 + part of the hash.';
