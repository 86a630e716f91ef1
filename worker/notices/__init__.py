"""What leaves for people: mails and web push."""
