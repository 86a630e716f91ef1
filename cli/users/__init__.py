"""reelq users: accounts, and the personal data of those who have one."""
