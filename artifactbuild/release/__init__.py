"""The wing that keeps: records, cards, the store of published versions, and the lock."""
