"""Guards of what a caller does: for whom it acts, what it spends, what is written of it.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_RPC: Final = "service/bonafides/rpc"
_ACCESS: Final = "service/bonafides/access"
_STORAGE: Final = "service/bonafides/storage"
_IDENTITY: Final = "service/bonafides/identity"
_INTEGRATORS_TEST: Final = "tests/service/test_integrators.py"
_AGENTS_TEST: Final = "tests/unit/test_agents.py"
_AGENT_ATTACKS_TEST: Final = "tests/service/test_agent_attacks.py"
_AGENT_ATTACKS: Final = (
    "tests/service/test_agent_attacks.py::test_attack_is_refused_for_the_reason_of_the_table"
)
_BUDGETS_TEST: Final = "tests/unit/test_budgets.py"
_SERVICE_BUDGETS_TEST: Final = "tests/service/test_budgets.py"
_AUDIT_TEST: Final = "tests/service/test_audit.py"

GUARDS: Final = (
    Guard(
        "a method without a row stops the start",
        f"{_RPC}/pipeline.py",
        "        policy.require_rows(method.name for method in methods)\n",
        "",
        ("tests/service/test_pipeline.py::test_method_without_a_policy_row_stops_the_start",),
    ),
    Guard(
        "purposes are looked at",
        f"{_RPC}/call.py",
        "        found = found if fault is None else (*found, fault)\n",
        "",
        (
            "tests/service/test_purposes.py::test_platform_that_names_no_purpose_is_told_which_there_are[sqlite]",
        ),
    ),
    Guard(
        "an integrator acts for one enterprise",
        f"{_RPC}/call.py",
        (
            "        if self.caller.acts_for and self.caller.acts_for != code:\n"
            "            raise NotFoundError\n"
        ),
        "",
        (
            f"{_INTEGRATORS_TEST}::test_other_enterprises_are_not_found_known_or_not[sqlite-RatingService/GetRating]",
        ),
    ),
    Guard(
        "an integrator calls nothing for nobody",
        f"{_ACCESS}/agents.py",
        ("        if method not in OWN:\n            raise AgentTokenRequiredError\n"),
        "        return\n",
        (f"{_AGENTS_TEST}::test_without_an_agent_token_there_are_own_affairs_alone",),
    ),
    Guard(
        "a scope opens its own methods alone",
        f"{_ACCESS}/agents.py",
        ("    elif scope not in caller.scopes:\n        raise ScopeRequiredError(scope)\n"),
        "",
        (f"{_AGENTS_TEST}::test_scope_opens_its_own_methods_and_no_other[archive.read]",),
    ),
    Guard(
        "an agent token has 256 bits",
        f"{_ACCESS}/agents.py",
        (
            "    if len(drawn) < TOKEN_BYTES:\n"
            '        raise BugError("an agent token of too few bytes")\n'
        ),
        "",
        (f"{_AGENTS_TEST}::test_token_of_fewer_than_256_bits_is_not_made",),
    ),
    Guard(
        "an agent token stands beside an integrator's credential alone",
        f"{_STORAGE}/agencies.py",
        (
            "        if caller.kind is not CallerKind.INTEGRATOR or not caller.application:\n"
            '            raise AgentTokenError("NOT_AN_INTEGRATOR")\n'
        ),
        "",
        (f"{_AGENT_ATTACKS_TEST}::test_log_is_told_why_a_token_is_refused[sqlite]",),
    ),
    Guard(
        "an agent token is of this environment",
        f"{_STORAGE}/agencies.py",
        (
            "        if environment != self._environment:\n"
            '            raise AgentTokenError("ENVIRONMENT")\n'
        ),
        "",
        (f"{_AGENT_ATTACKS_TEST}::test_log_is_told_why_a_token_is_refused[sqlite]",),
    ),
    Guard(
        "an agent token is its application's and ends",
        f"{_STORAGE}/agencies.py",
        "agency.application != caller.application or agency.expires_at <= now:",
        "False:",
        (f"{_AGENT_ATTACKS_TEST}::test_remembered_token_is_its_applications_and_ends[sqlite]",),
    ),
    Guard(
        "whether an integrator acts is looked at before it is answered",
        f"{_RPC}/pipeline.py",
        "            self._agents.require(call.caller, call.now)\n",
        "            pass\n",
        (f"{_INTEGRATORS_TEST}::test_token_that_was_remembered_elsewhere_is_out_at_once[sqlite]",),
    ),
    Guard(
        "an agent token is nobody's without an integrator",
        f"{_RPC}/pipeline.py",
        "            caller = self._acting(caller, received, now)\n",
        "            pass\n",
        (
            f"{_INTEGRATORS_TEST}::test_other_enterprises_are_not_found_known_or_not[sqlite-ArchiveService/GetArchive]",
        ),
    ),
    Guard(
        "an authorization that was taken back is over",
        f"{_STORAGE}/agents.py",
        (
            "        _given.revoked_at.is_(None),\n"
            '        _given.expires_at > sa.bindparam("now"),\n'
        ),
        '        _given.expires_at > sa.bindparam("now"),\n',
        (f"{_INTEGRATORS_TEST}::test_token_that_was_remembered_elsewhere_is_out_at_once[sqlite]",),
    ),
    Guard(
        "an authorization has its term",
        f"{_STORAGE}/agents.py",
        '        _given.expires_at > sa.bindparam("now"),\n',
        "",
        (f"{_AGENT_ATTACKS_TEST}::test_remembered_token_is_its_applications_and_ends[sqlite]",),
    ),
    Guard(
        "an integrator is one by its application",
        f"{_STORAGE}/agents.py",
        ("        _application.role == _ROLE,\n        sa.or_("),
        "        sa.or_(",
        (f"{_INTEGRATORS_TEST}::test_no_attack_is_accepted[sqlite]",),
    ),
    Guard(
        "an integrator acts for who is verified",
        f"{_STORAGE}/agents.py",
        "return found is not None and is_verified(work, code, agent.now)",
        "return found is not None",
        (f"{_INTEGRATORS_TEST}::test_no_attack_is_accepted[sqlite]",),
    ),
    Guard(
        "an agent token is of the environment of its row",
        f"{_STORAGE}/agents.py",
        '        _given.environment == sa.bindparam("environment"),\n',
        "",
        (f"{_INTEGRATORS_TEST}::test_no_attack_is_accepted[sqlite]",),
    ),
    Guard(
        "an authorization code is its application's",
        f"{_STORAGE}/agents.py",
        (
            "            _given.client_id == client_id,\n"
            "            _given.code_index == code_index,\n"
        ),
        "            _given.code_index == code_index,\n",
        (f"{_INTEGRATORS_TEST}::test_no_attack_is_accepted[sqlite]",),
    ),
    Guard(
        "an authorization code is good once",
        f"{_STORAGE}/agents.py",
        (
            "            _given.exchanged_at.is_(None),\n"
            "            _given.revoked_at.is_(None),\n"
            "            _given.code_expires_at"
        ),
        ("            _given.revoked_at.is_(None),\n            _given.code_expires_at"),
        (f"{_AGENT_ATTACKS}[code twice]",),
    ),
    Guard(
        "an authorization code ends",
        f"{_STORAGE}/agents.py",
        "            _given.code_expires_at > now,\n",
        "",
        (f"{_AGENT_ATTACKS}[code after ten minutes]",),
    ),
    Guard(
        "a link is for who is live",
        f"{_IDENTITY}/integrator_operations.py",
        "if found is None or found.integrator.state != rows.LIVE:",
        "if found is None:",
        (
            f"{_INTEGRATORS_TEST}::test_link_of_an_application_that_is_live_no_more_leads_nowhere[sqlite]",
        ),
    ),
    Guard(
        "an owner alone authorizes",
        f"{_IDENTITY}/integrator_operations.py",
        ("        require_actor(work, actor, code.text)\n        made = rows.find_auth"),
        "        made = rows.find_auth",
        (f"{_INTEGRATORS_TEST}::test_staff_of_the_enterprise_authorize_nobody[sqlite]",),
    ),
    Guard(
        "what an integrator submits it submits while it acts",
        f"{_IDENTITY}/integrator_operations.py",
        ("        if not rows.holds(work, made.code, agent):\n            raise NotFoundError\n"),
        "        pass\n",
        (f"{_AGENT_ATTACKS}[submitting after the end, let in before it]",),
    ),
    Guard(
        "an application's authorizations are its own affair",
        f"{_RPC}/integrator_services.py",
        "own = call.caller.kind is CallerKind.INTEGRATOR and call.caller.application == client_id",
        "own = call.caller.kind is CallerKind.INTEGRATOR",
        (f"{_AGENT_ATTACKS}[list of another application]",),
    ),
    Guard(
        "calls are paid for",
        f"{_ACCESS}/purses.py",
        "            if purse.calls >= count:\n                paid.append",
        "            if True:\n                paid.append",
        (f"{_BUDGETS_TEST}::test_spending_what_was_leased_asks_the_ledger_for_nothing",),
    ),
    Guard(
        "enterprises are paid for",
        f"{_ACCESS}/purses.py",
        (
            "            if purse.enterprises > 0:\n                charged.append((account.key, purse))"
        ),
        ("            if True:\n                charged.append((account.key, purse))"),
        (f"{_BUDGETS_TEST}::test_enterprise_is_charged_once_a_day",),
    ),
    Guard(
        "an enterprise is charged to all accounts or to none",
        f"{_ACCESS}/purses.py",
        ("        if not lacking:\n            for key, purse in charged:"),
        ("        if True:\n            for key, purse in charged:"),
        (f"{_BUDGETS_TEST}::test_refusal_by_one_account_charges_no_other",),
    ),
    Guard(
        "a bucket gives no more than it holds",
        f"{_ACCESS}/budgets.py",
        "return after if after <= now + limit.calls * limit.interval else None",
        "return after",
        (f"{_BUDGETS_TEST}::test_bucket_never_gives_more_than_its_fill_and_what_came_since",),
    ),
    Guard(
        "logins of one prefix share a budget",
        f"{_ACCESS}/budgets.py",
        "return account(Payer.MEMBER, caller.submitter), account(Payer.GROUP, prefix)",
        "return (account(Payer.MEMBER, caller.submitter),)",
        (f"{_BUDGETS_TEST}::test_person_pays_twice_and_everybody_else_once",),
    ),
    Guard(
        "an address is counted by its prefix",
        f"{_ACCESS}/budgets.py",
        "bits = _IPV4_BITS if address.version == 4 else _IPV6_BITS",
        "bits = 32 if address.version == 4 else 128",
        (
            f"{_BUDGETS_TEST}::test_address_is_counted_by_its_prefix[ipv4:203.0.113.9:50000-203.0.113.0/24]",
        ),
    ),
    Guard(
        "without the database nobody known is answered",
        f"{_ACCESS}/purses.py",
        ("        if not public:\n            raise StoreUnavailableError\n"),
        ("        if not public:\n            return\n"),
        (
            f"{_BUDGETS_TEST}::test_without_the_ledger_the_public_has_a_part_and_nobody_else_anything",
        ),
    ),
    Guard(
        "without the database the public has a part",
        f"{_ACCESS}/purses.py",
        "limit = want.limit.part(self._processes)",
        "limit = want.limit",
        (
            f"{_BUDGETS_TEST}::test_without_the_ledger_the_public_has_a_part_and_nobody_else_anything",
        ),
    ),
    Guard(
        "a lease takes no more than there is",
        f"{_STORAGE}/budgets.py",
        "share = sa.case((left >= _PLENTY_BLOCKS * block, block), (left >= 1, 1), else_=0)",
        "share = sa.literal(block)",
        (
            f"{_SERVICE_BUDGETS_TEST}::test_enterprises_are_leased_in_blocks_and_in_the_end_singly[sqlite]",
        ),
    ),
    Guard(
        "a bucket is shared by all processes",
        f"{_STORAGE}/budgets.py",
        "            where=after <= now + limit.calls * limit.interval,\n",
        "",
        (
            f"{_SERVICE_BUDGETS_TEST}::test_tokens_are_leased_until_the_bucket_is_empty_and_come_back[sqlite]",
        ),
    ),
    Guard(
        "who was seen is written down",
        f"{_STORAGE}/budgets.py",
        "            _write(work, seen)\n",
        "",
        (f"{_SERVICE_BUDGETS_TEST}::test_first_lease_of_the_day_tells_who_was_seen[sqlite]",),
    ),
    Guard(
        "a call is paid for before it is looked at",
        f"{_RPC}/call.py",
        (
            "        received.tab = meter.enter(\n"
            "            method.name, call.caller, received.origin, call.now, received.tab, waits=waits\n"
            "        )\n"
        ),
        "        pass\n",
        (
            f"{_SERVICE_BUDGETS_TEST}::test_too_many_calls_are_refused_in_the_same_words_as_too_many_enterprises[sqlite]",
        ),
    ),
    Guard(
        "an enterprise is charged before it is looked up",
        f"{_RPC}/call.py",
        (
            "            raise NotFoundError\n"
            "        if self._received.tab is not None:\n"
            "            self._received.tab.look_up(code)\n"
        ),
        "            raise NotFoundError\n",
        (
            f"{_SERVICE_BUDGETS_TEST}::test_spent_budget_tells_neither_which_limit_nor_whether_an_enterprise_is_there[sqlite]",
        ),
    ),
    Guard(
        "only a proxy that is named is believed",
        f"{_RPC}/metering.py",
        ("        if not believed:\n            return prefix\n"),
        "",
        (
            f"{_SERVICE_BUDGETS_TEST}::test_proxy_that_is_believed_tells_the_address_and_nobody_else_does[sqlite]",
        ),
    ),
    Guard(
        "of forwarded addresses the proxy's own counts",
        f"{_RPC}/metering.py",
        'address = told[-1].rpartition(",")[2].strip() if told else ""',
        'address = told[0].partition(",")[0].strip() if told else ""',
        (
            f"{_SERVICE_BUDGETS_TEST}::test_proxy_that_is_believed_tells_the_address_and_nobody_else_does[sqlite]",
        ),
    ),
    Guard(
        "what staff closed is closed",
        f"{_RPC}/metering.py",
        ("        if until is not None:\n            known"),
        ("        if False:\n            known"),
        (
            f"{_SERVICE_BUDGETS_TEST}::test_closed_interface_answers_nobody_until_it_is_opened[sqlite]",
        ),
    ),
    Guard(
        "a canary that is looked up alarms",
        f"{_RPC}/metering.py",
        "            self._meter.alarm(self._caller, self._accounts[0].key, code)\n",
        "",
        (
            f"{_SERVICE_BUDGETS_TEST}::test_canary_that_is_looked_up_is_told_of_in_the_log_by_pseudonyms[sqlite]",
        ),
    ),
    Guard(
        "switches can be taken back",
        f"{_ACCESS}/switches.py",
        ("        if service == _OWN:\n            to_whom"),
        ("        if False:\n            to_whom"),
        (
            "tests/unit/test_switches.py::test_switches_can_be_taken_back_unless_a_login_is_shut_out_by_its_key",
        ),
    ),
    Guard(
        "what is shown is written down",
        f"{_RPC}/pipeline.py",
        (
            "            if waiting is not None:\n"
            "                await waiting\n"
            "        return answer"
        ),
        ("            del waiting\n        return answer"),
        (
            f"{_AUDIT_TEST}::test_logged_in_read_that_cannot_be_written_down_is_not_answered[sqlite]",
        ),
    ),
    Guard(
        "a refusal is written down",
        f"{_RPC}/pipeline.py",
        (
            "            waiting = self._recorder.refused(method, received, event, told.reason)\n"
            "            if waiting is not None:\n"
            "                await waiting\n"
        ),
        "            pass\n",
        (f"{_AUDIT_TEST}::test_method_that_is_not_for_the_caller_leaves_a_line[sqlite]",),
    ),
    Guard(
        "the log of accesses is the enterprise's own",
        f"{_IDENTITY}/access_operations.py",
        "        require_actor(work, actor, code, as_owner=False)\n",
        "",
        (f"{_AUDIT_TEST}::test_log_is_for_those_who_act_for_the_enterprise[sqlite-member]",),
    ),
    Guard(
        "bytes that are no message are refused as such",
        f"{_RPC}/call.py",
        (
            "    except (DecodeError, RecursionError):\n"
            "        # The library's texts quote the bytes.\n"
            "        raise MalformedMessageError from None\n"
        ),
        ("    except ZeroDivisionError:\n        raise MalformedMessageError from None\n"),
        (
            "tests/service/test_hostile_bytes.py::test_malformed_bytes_are_an_invalid_argument[/bonafides.v1.IdentityService/SubmitIdentity-truncated varint]",
        ),
    ),
    Guard(
        "a limit that staff set is taken up",
        f"{_RPC}/metering.py",
        "            self._take_up(held.limits)\n",
        "            pass\n",
        (
            "tests/service/test_spending_limits.py::test_platform_sees_as_many_as_staff_set_at_once_and_what_it_saw_stays_seen[sqlite]",
        ),
    ),
    Guard(
        "what was leased under another limit is void",
        f"{_ACCESS}/purses.py",
        "                if purse.limit != limit:\n",
        "                if False:\n",
        (
            f"{_BUDGETS_TEST}::test_another_limit_voids_what_was_leased_and_forgets_no_enterprise_that_was_seen",
        ),
    ),
    Guard(
        "a write without a request id is not tried again",
        "service/bonafides/client/repeating.py",
        "error.code() is not grpc.StatusCode.UNAVAILABLE or not repeats(method)",
        "error.code() is not grpc.StatusCode.UNAVAILABLE",
        (
            "tests/service/test_aio.py::test_what_an_application_signs_is_tried_again_only_with_a_request_id",
        ),
    ),
)
