"""Why a step is wrong, in a critic's words."""
