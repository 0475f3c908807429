"""What must be true of one instance's name, whatever tsuru did to it: the model of test_property.py.

Each answer is either allowed by what is known, and adds to it, or a Violation. A call without an answer (given up, or the
broker was killed) leaves several things possible; the next look in peace (`resolve`) says which of them it is.
"""

UNKNOWN = "unknown"  # of an instance: there or not; of a bind: bound or not
PRESENT = "present"
ABSENT = "absent"
GOING = "going"  # a status: 503, as the instance is being removed
BOUND = "bound"
UNBOUND = "unbound"
PLANS = ("small", "large")


class Violation(AssertionError):
    """The broker broke a promise."""


def demand(condition, what):
    if not condition:
        raise Violation(what)


class Bind:
    """One app, job or old client's host under the instance."""

    def __init__(self):
        self.told = set()  # every password that was ever answered
        self.forget()

    def forget(self):
        """The instance is another one: nothing of this is left."""
        self.state = UNBOUND
        self.environment = None  # of the present credentials, when they are known
        self.event = None  # that made them
        self.ended = None  # what the unbind with unbind_event ended; None: not known
        self.unbind_event = None
        self.asked = set()  # events of unanswered calls: their effect may be there
        self.repeating = False  # one of them may be bringing credentials back, which a later call then joins

    def settle(self):
        self.asked.clear()
        self.repeating = False

    def doubt(self, event):
        self.repeating |= event in self.asked or event in (self.event, self.unbind_event)
        self.state = UNKNOWN
        self.asked.add(event)


EVERY_KIND = ("provision", "update", "deprovision", "retire", "restore", "bind", "unbind")
REMOVALS = {"deprovision", "retire"}


class Peace:
    """What the driver is told in a round: which kinds of call may fail for good, and whether anything may be slow. Where an
    operator meddles, every operation may be canceled, which is a failure for good of any kind."""

    def __init__(self, rough=False, final=(), meddled=False):
        self.rough, self.meddled = rough, meddled
        self.final = frozenset(EVERY_KIND if meddled else final)

    def failed(self, status):
        """Whether the answer is that of a failure for good, or of what was canceled with it."""
        return status == 422 or (status == 503 and (self.meddled or "provision" in self.final))


class Instance:
    """One name of a service, over all the instances that ever have it."""

    def __init__(self, name):
        self.name = name
        self.peace = Peace()
        self.life = ABSENT
        self.teams = set()  # whose it may be
        self.plans = set()  # what may be wanted
        self.stands = None  # the plan that it had at the end of a round, when another was wanted: a cancel leaves it at that
        self.removed = "no"  # whether one was removed under this name: the broker remembers that ("no", "maybe", "yes")
        self.was_bound = "no"
        self.may_show_failure = False  # whether an update of an earlier round may have failed for good: status tells (S3)
        self.binds = {}
        self.resource = None  # its name on the server, once it is known
        self.old_resources = set()

    def bind_of(self, key):
        return self.binds.setdefault(key, Bind())

    def anew(self, doubts=False):
        """Another instance than before, if there was one, or none. doubts: calls without an answer may have been for it.
        """
        if self.resource:
            self.old_resources.add(self.resource)
        self.resource = self.stands = None
        self.was_bound = "maybe" if doubts else "no"
        self.may_show_failure = False
        for bind in self.binds.values():
            asked = bind.asked if doubts and bind.state == UNKNOWN else None
            bind.forget()
            if asked is not None:
                bind.state, bind.asked = UNKNOWN, asked

    def missing(self):
        """A 404, or GOING: whatever was possible, there is none now, or it is going; that may fail."""
        if self.life == UNKNOWN and not REMOVALS & self.peace.final:
            self.life = ABSENT
            self.removed = "maybe" if self.removed == "no" else self.removed
            self.anew()

    # ---- create, update, remove ----

    def created(self, status, team, plan, before):
        """before: the life as the call was sent."""
        if status == 201:
            self.taken(team, plan, before)
        elif status == 409:
            demand(before != ABSENT, "409 for a name that is free (S1, S9)")
            demand(before == UNKNOWN or self.teams - {team} or self.was_bound != "no",
                   "409 for the same team's instance that was never bound (S1)")
        elif self.peace.failed(status):
            demand({"provision", "update"} & self.peace.final, f"{status}, and nothing fails for good")
            self.life = UNKNOWN
            self.removed = "maybe" if self.removed == "no" else self.removed
            self.teams.add(team)
            self.plans.add(plan)
        else:
            demand(status is None, f"a create is answered {status}")
            self.life = PRESENT if before == PRESENT and not self.peace.final else UNKNOWN
            if self.life == UNKNOWN or not (self.teams - {team} or self.was_bound == "yes"):
                self.plans.add(plan)
            if before != PRESENT:
                self.teams.add(team)

    def taken(self, team, plan, before):
        if before == PRESENT:
            demand(team in self.teams, "an instance of another team is taken over (S1)")
            demand(self.was_bound != "yes", "an instance that was bound is taken over (S1)")
        old = set(self.plans) if before != ABSENT and "update" in self.peace.final else set()
        resource = self.resource
        self.anew()
        if before != ABSENT:  # it may be the same one, which was never bound
            self.old_resources.discard(resource)
        if before == PRESENT:
            self.resource = resource
        self.life = PRESENT if "provision" not in self.peace.final else UNKNOWN
        self.teams = {team}
        self.plans = {plan} | old

    def updated(self, status, plan, before):
        if status == 200:
            demand(before != ABSENT, "an update of nothing succeeds")
            self.plans = {plan} if not self.peace.final and before == PRESENT and plan else self.plans | {plan} - {""}
        elif status in (404, GOING):
            demand(before != PRESENT, "an update does not find what is there")
            self.missing()
        elif self.peace.failed(status):
            demand("update" in self.peace.final or before == UNKNOWN, f"{status}, and nothing fails for good")
            self.plans |= {plan} - {""}
        else:
            demand(status is None, f"an update is answered {status}")
            self.plans |= {plan} - {""}

    def deleted(self, status, before):
        if status == 200:
            demand(before != ABSENT or self.removed != "no", "the removal of what never was succeeds")
            if before != ABSENT:
                self.removed = "yes"
            self.life = ABSENT if not REMOVALS & self.peace.final else UNKNOWN
            if self.life == ABSENT:
                self.anew()
        elif status == 404:
            demand(before != PRESENT, "a removal does not find what is there")
            demand(self.removed != "yes", "a repeated removal is answered 404 (S9)")
            self.missing()
        else:
            demand(status is None or (self.peace.failed(status) and REMOVALS & self.peace.final),
                   f"a removal is answered {status}")
            if before != ABSENT:
                self.life = UNKNOWN
                self.removed = "maybe" if self.removed == "no" else self.removed
                for bind in self.binds.values():
                    if bind.state == BOUND:
                        bind.state = UNKNOWN
                    bind.unbind_event = bind.ended = None

    # ---- binds ----

    def bound(self, status, key, event, environment, before):
        bind = self.bind_of(key)
        if status == 201:
            demand(before != ABSENT, "a bind of nothing succeeds")
            self.check_environment(bind, event, environment)
            bind.told.add(environment["SCRIPTED_PASSWORD"])
            bind.state, bind.environment, bind.event = BOUND, environment, event
            bind.ended = bind.unbind_event = None
            bind.settle()
            self.was_bound = "yes"
            if "provision" not in self.peace.final and not REMOVALS & self.peace.final:
                self.life = PRESENT
            return
        if status in (404, GOING):
            demand(before != PRESENT, "a bind does not find what is there")
            self.missing()
            return
        if status == 422:
            demand("bind" in self.peace.final or before == UNKNOWN, "422, and nothing fails for good")
        elif status in (412, 503):
            demand(self.peace.rough, f"a bind is answered {status}, and nothing is slow")
        else:
            demand(status is None, f"a bind is answered {status} (S4: never 409)")
        bind.doubt(event)
        if self.was_bound == "no":
            self.was_bound = "maybe"

    def check_environment(self, bind, event, environment):
        demand(environment and all(isinstance(value, str) for value in environment.values()), "no environment of texts")
        password = environment["SCRIPTED_PASSWORD"]
        resource = environment["SCRIPTED_URL"].rpartition("/")[2]
        demand(resource not in self.old_resources, "a bind leads to an instance that was removed (S9)")
        demand(self.resource in (None, resource) or self.life == UNKNOWN, "a bind leads to another instance")
        if self.resource not in (None, resource):
            self.anew(doubts=True)
        self.resource = resource
        if bind.state == BOUND and event == bind.event:
            demand(bind.environment in (None, environment), "a repeated bind gives another environment")
        elif bind.state == UNBOUND and event == bind.unbind_event and bind.ended:
            demand(environment == bind.ended, "an unbind that is taken back gives another environment (S6)")
        elif event not in bind.asked and event not in (bind.event, bind.unbind_event) and not bind.repeating:
            demand(password not in bind.told, "a new bind has a password that was given before (S4, S7)")

    def unbound(self, status, key, event, before):
        bind = self.bind_of(key)
        if status == 200:
            # Asked again, it can be taken back under that event, too.
            if bind.state == BOUND:
                bind.ended = bind.environment
            elif bind.state == UNKNOWN:
                bind.ended = None
            bind.state, bind.environment, bind.event, bind.unbind_event = UNBOUND, None, None, event
            bind.settle()
            if "unbind" in self.peace.final:
                bind.doubt(event)
        elif status == 404:
            demand(before != PRESENT, "an unbind does not find the instance")
            self.missing()
        else:
            demand(status is None or (self.peace.failed(status) and "unbind" in self.peace.final), f"an unbind is answered {status}")
            bind.doubt(event)
            bind.ended = bind.unbind_event = None

    def unit(self, status, before):
        if status == 201:
            demand(before != ABSENT, "a unit is let into nothing")
        elif status in (404, GOING):
            demand(before != PRESENT, "a unit's instance is not found (S12)")
            self.missing()
        elif status not in (None, 200):
            demand(status in (412, 422, 503) and (self.peace.rough or before == UNKNOWN), f"a unit is answered {status}")

    # ---- looks ----

    def looked(self, what, status, before):
        if status is None:
            return
        if what == "plans":
            demand(status == 200, f"the plans are answered {status} (S10)")
        elif status == 404:
            demand(before != PRESENT, f"{what} does not find what is there")
            self.missing()
        elif what == "info":
            demand(status == 200, f"info is answered {status} (S10)")
        else:
            demand(status in (200, 202, 204, 500), f"status is answered {status}")
            told = status == 200 and self.may_show_failure
            demand(status == 204 or told or self.peace.rough or before != PRESENT, f"the status is {status} in peace")
            self.may_show_failure = self.may_show_failure and status != 204

    # ---- in peace ----

    def resolve(self, found, binds, server):
        """Compares with what there is when no work is left. found: the broker's record or None; binds: its logins by
        key; server: the pretended server's instances and logins."""
        demand(found is not None or self.life != PRESENT, "an instance that was acknowledged is gone")
        demand(found is None or self.life != ABSENT, f"an instance that was removed is there: {found}")
        if found is None:
            self.anew()
            self.life = ABSENT
            return
        demand(found["state"] in ("ready", "failed"), f"the instance is {found['state']}, and no work is left")
        if found["state"] == "failed":
            demand(self.life == UNKNOWN and "provision" in self.peace.final, "an instance failed, and nothing fails for good")
        else:
            self.check_ready(found, binds, server)

    def check_ready(self, found, binds, server):
        resource = found["resource"]
        demand(found["team"] in self.teams, f"the instance is the team {found['team']}'s, not one of {self.teams}")
        demand(self.resource in (None, resource) or self.life == UNKNOWN, "the instance has been exchanged")
        demand(resource not in self.old_resources, "an instance that was removed is back")
        if self.resource not in (None, resource):
            self.anew(doubts=True)
        plans = self.plans | ({self.stands} if self.peace.meddled else set())
        demand(found["plan"] in plans, f"the plan is {found['plan']}, not one of {plans}")
        wanted = found.get("wanted_plan", found["plan"])
        demand(wanted == found["plan"] or "update" in self.peace.final, f"the plan {wanted} is not reached (S3)")
        demand(server.instances.get(resource) == found["plan"] or "update" in self.peace.final,
               f"the server has {server.instances.get(resource)}")
        self.life, self.teams, self.resource = PRESENT, {found["team"]}, resource
        self.plans, self.stands = {wanted}, found["plan"]
        self.may_show_failure = self.may_show_failure or "update" in self.peace.final
        for key in set(self.binds) | set(binds):
            self.check_bind(self.bind_of(key), binds.get(key), server)
        if binds:
            self.was_bound = "yes"

    def check_bind(self, bind, login, server):
        demand(login or bind.state != BOUND, "a bind that was acknowledged is gone")
        demand(not login or bind.state != UNBOUND, "what was unbound is bound")
        known = bind.state == BOUND
        if not login:
            if bind.state == UNKNOWN:
                bind.ended = bind.unbind_event = None
            bind.state, bind.environment, bind.event = UNBOUND, None, None
        else:
            demand(server.logins.get(login, ("",))[0] == self.resource, f"the login {login} is not on the server")
            bind.state = BOUND
            works = [password for password in bind.told if server.opens(login, password)]
            demand(len(works) <= 1, "two passwords work for one login")
            if known and bind.environment:
                demand(works == [bind.environment["SCRIPTED_PASSWORD"]],
                       "of the passwords that were given, not the last one alone works (S4, S7)")
            elif not known:  # who made it, and with what, is not known
                bind.environment, bind.event = None, None
                bind.unbind_event = bind.ended = None
        bind.repeating = False
