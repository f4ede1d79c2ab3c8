//! Pairs, as fastapi-events writes them.
