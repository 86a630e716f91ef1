-- Values that an operator has changed stay as they are; the descriptions are ours.
-- Argon2id as OWASP's Password Storage Cheat Sheet has it for 19 MiB (read 2026-11-27): m=19456, t=2, p=1.
insert into identity.login_settings (name, value, description) values
('argon2_memory_kib', '19456', 'Memory that one password takes to hash, in KiB: more is slower to guess. Older hashes are made anew at the next log-in.'),
('argon2_passes', '2', 'Passes over that memory.'),
('argon2_lanes', '1', 'Lanes of it, which could be threads.'),
('bcrypt_cost', '12', 'The cost of the bcrypt that is hashed for nothing while accounts with bcrypt are left: that of most of them, 4 to 14.'),
('login_tries', '5', 'After so many failed log-ins in a row the account is locked.'),
('login_lock', '1 minute', 'How long it is locked the first time; each further failure doubles it.'),
('login_lock_longest', '15 minutes', 'The longest lock. A short one, since anybody can lock an account whose address they know.'),
('login_needs_verified_email', 'no', 'yes: who has not proved the address cannot log in.'),
('session_idle', '7 days', 'A session that is not used for so long ends.'),
('session_longest', '30 days', 'A session ends after so long in any case.'),
('session_seen_every', '1 minute', 'When a session was last seen is written at most so often.'),
('keep_ended_sessions', '90 days', 'Sessions and tokens are kept for so long after their time, for whoever asks what happened.'),
('token_verify_email_lives', '3 days', 'How long an address can be proved with a token.'),
('token_reset_password_lives', '1 hour', 'How long a password can be reset with a token.'),
('token_invitation_lives', '7 days', 'How long an invitation can be accepted.'),
('fresh_login', '15 minutes', 'Who wants another address has logged in not longer ago than this.'),
('token_every', '5 minutes', 'A reset or a proof of an address is sent to one user at most so often; for so long nobody else makes the last one void by asking again.')
on conflict (name) do update set description = excluded.description where login_settings.description <> excluded.description;
