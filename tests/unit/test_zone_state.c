/* SPDX-License-Identifier: MIT */
/* The state table: every pair has an answer, and the answers are SmartOS's. */
#include "test.h"

#include <errno.h>

#include "smartbox/kern/zone.h"

TEST(zone_state_table_answers_every_pair)
{
	for (int s = 0; s < ZONE_NSTATES; s++) {
		for (int ev = 0; ev < ZONE_NEVENTS; ev++) {
			enum zone_state to = ZONE_NSTATES;
			struct err e = ERR_INIT;
			int rc = zone_state_next((enum zone_state)s, (enum zone_event)ev, &to, &e);

			if (rc == 0)
				CHECK((unsigned)to < ZONE_NSTATES);
			else
				CHECK((rc == -EINVAL || rc == -EALREADY) && e.msg[0] != '\0');
		}
	}
}

static void
expect(enum zone_state from, enum zone_event ev, int want, const char *msg)
{
	enum zone_state to = ZONE_NSTATES;
	struct err e = ERR_INIT;
	int rc = zone_state_next(from, ev, &to, &e);

	CHECK_STR(e.msg, msg);
	CHECK_EQ(rc == 0 ? (int)to : rc, want);
}

TEST(zone_states_follow_an_installation_and_a_boot)
{
	expect(ZONE_CONFIGURED, ZONE_EV_INSTALL, ZONE_INCOMPLETE, "");
	expect(ZONE_INCOMPLETE, ZONE_EV_INSTALLED, ZONE_INSTALLED, "");
	expect(ZONE_INSTALLED, ZONE_EV_READY, ZONE_READY, "");
	expect(ZONE_READY, ZONE_EV_BOOT, ZONE_RUNNING, "");
	expect(ZONE_RUNNING, ZONE_EV_SHUTDOWN, ZONE_SHUTTING_DOWN, "");
	expect(ZONE_SHUTTING_DOWN, ZONE_EV_INIT_EXITED, ZONE_DOWN, "");
	expect(ZONE_DOWN, ZONE_EV_TORN_DOWN, ZONE_INSTALLED, "");
	expect(ZONE_INSTALLED, ZONE_EV_UNINSTALL, ZONE_INCOMPLETE, "");
	expect(ZONE_INCOMPLETE, ZONE_EV_UNINSTALLED, ZONE_CONFIGURED, "");
}

TEST(zone_state_refusals_say_what_smartos_says)
{
	expect(ZONE_CONFIGURED, ZONE_EV_BOOT, -EINVAL, "must be installed before boot.");
	expect(ZONE_INCOMPLETE, ZONE_EV_BOOT, -EINVAL, "zone is incomplete; uninstall required.");
	expect(ZONE_RUNNING, ZONE_EV_UNINSTALL, -EINVAL,
	    "uninstall operation is invalid for running zones.");
	expect(ZONE_INSTALLED, ZONE_EV_INSTALL, -EALREADY, "is already installed.");
	expect(ZONE_CONFIGURED, ZONE_EV_UNINSTALL, -EALREADY, "is already configured.");
	expect(ZONE_INSTALLED, ZONE_EV_REBOOT, -EINVAL, "not running");
}

TEST(zone_incomplete_is_left_by_uninstall_only)
{
	for (int ev = 0; ev < ZONE_NEVENTS; ev++) {
		enum zone_state to = ZONE_INCOMPLETE;

		if (zone_state_next(ZONE_INCOMPLETE, (enum zone_event)ev, &to, NULL) == 0 &&
		    to != ZONE_INCOMPLETE)
			CHECK(ev == ZONE_EV_UNINSTALLED || ev == ZONE_EV_INSTALLED);
	}
}

TEST(zone_state_names_parse_back)
{
	for (int s = 0; s < ZONE_NSTATES; s++) {
		enum zone_state got = ZONE_NSTATES;

		CHECK_EQ(zone_state_parse(zone_state_name((enum zone_state)s), &got), 0);
		CHECK_EQ(got, s);
	}
}
