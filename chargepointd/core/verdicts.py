"""What is known here of a token, and what that decides without the CSMS (C10 to C15, D01; 1.6 §3.5).

Where the local authorization list and the cache both know a token, the list is right (C13.FR.01, C14.FR.01). While the
CSMS can be asked, they decide only where LocalPreAuthorize, DisablePostAuthorize or DisableRemoteAuthorization let
them; without it, LocalAuthorizeOffline and OfflineTxForUnknownIdEnabled say what counts.
"""

from chargepointd.core.availability import Statuses
from chargepointd.core.context import Context, Step
from chargepointd.core.effects import Note
from chargepointd.core.local_list import LocalList
from chargepointd.core.token_store import TokenStore
from chargepointd.core.values import Fault, Token, TokenInfo


class Verdicts:
    def __init__(self, context: Context, tokens: TokenStore, listed: LocalList, statuses: Statuses) -> None:
        self._context = context
        self._tokens = tokens
        self._listed = listed
        self._statuses = statuses

    def known(self, token: Token, step: Step) -> TokenInfo | None:
        info, _ = self._known(token, step)
        return info

    def online(self, token: Token, step: Step) -> TokenInfo | None:
        """What is decided without the CSMS, though there is one; None: it is to be asked."""
        variables = self._context.variables
        known, controller = self._known(token, step)
        if variables.boolean("AuthCtrlr.DisableRemoteAuthorization"):
            return known or TokenInfo("Unknown")
        if known is None:
            return None
        if known.status == "Accepted":
            return known if variables.boolean("AuthCtrlr.LocalPreAuthorize") else None
        return known if variables.boolean(f"{controller}.DisablePostAuthorize") else None

    def offline(self, token: Token, step: Step) -> TokenInfo:
        """No answer from the CSMS (C10, C15)."""
        variables = self._context.variables
        known, _ = self._known(token, step)
        if known:
            local = variables.boolean("AuthCtrlr.LocalAuthorizeOffline")
            return known if local else TokenInfo("Invalid")
        unknown_may = variables.boolean("AuthCtrlr.OfflineTxForUnknownIdEnabled")
        return TokenInfo("Accepted" if unknown_may else "Unknown")

    def _known(self, token: Token, step: Step) -> tuple[TokenInfo | None, str]:
        """And the controller of what knows it."""
        listed = self._listed.says(token, step.utc)
        if listed:
            return listed, "LocalAuthListCtrlr"
        return self._tokens.valid(token, step.utc), "AuthCacheCtrlr"

    def presented(self, token: Token, step: Step) -> None:
        self._tokens.used(token, step)

    def learn(self, token: Token, info: TokenInfo, step: Step) -> None:
        """The CSMS has said this. It changes the cache, never the list (D01.FR.09); where it contradicts the list, the
        CSMS is told so (1.6 §3.5.2)."""
        listed = self._listed.says(token, step.utc)
        if listed is None or self._context.rules.listed_is_cached:
            self._tokens.learn(token, info, step)
        if listed and _contradicts(listed, info):
            text = f"{token.masked}: {info.status}, in the list {listed.status}"
            step.emit(Note("list", 0, text))
            self._statuses.remark(Fault("LocalListConflict", "", text, stops_charging=False), step)


def _contradicts(listed: TokenInfo, info: TokenInfo) -> bool:
    """That somebody charges elsewhere at the moment is nothing a list could know."""
    return info.status != "ConcurrentTx" and (listed.status == "Accepted") != (info.status == "Accepted")
