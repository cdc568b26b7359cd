/* SPDX-License-Identifier: MIT */
/*
 * What the two disk controllers (ide.c, ahci.c) share: who a disk or CD says it is, and the packet
 * commands of a CD.
 */
#ifndef VMX_ATA_IMPL_H
#define VMX_ATA_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "smartbox/vmx/blk.h"

enum { ATA_SECTOR = 512, ATA_CD_SECTOR = 2048, ATA_ANSWER = 64 };

/* What the words of IDENTIFY depend on. */
struct ata_who {
	const struct blk_backend *disk;
	const char *serial;
	unsigned multiple; /* sectors between two interrupts; 0: not set */
	uint8_t mode;	   /* transfer mode as SET FEATURES gave it: 0x20 | n multiword, 0x40 | n ultra */
	bool ultra;	   /* the controller has Ultra DMA */
};
/* b: 512 bytes. */
void ata_identify_disk(const struct ata_who *w, uint8_t *b);
void ata_identify_cd(const struct ata_who *w, uint8_t *b);

/* A drive's state, in the controller's. */
struct atapi {
	uint8_t sense, asc;
	uint8_t out;	 /* the guest ejected the medium */
	uint8_t locked;	 /* the tray is */
	uint8_t changed; /* medium: to be told once */
	uint8_t reserved[3];
};

enum atapi_kind { ATAPI_DONE, ATAPI_FAILED, ATAPI_BYTES, ATAPI_SECTORS };
struct atapi_reply {
	enum atapi_kind kind;
	uint32_t len;	     /* BYTES: of the answer */
	uint32_t at, count;  /* SECTORS: of ATA_CD_SECTOR bytes, inside the disk */
};
/* Run a packet; answer has ATA_ANSWER bytes.  FAILED: a->sense and a->asc say why. */
void atapi_run(struct atapi *a, const struct blk_backend *disk, const uint8_t cdb[12],
    uint8_t *answer, struct atapi_reply *r);
void atapi_fail(struct atapi *a, uint8_t sense, uint8_t asc, struct atapi_reply *r);

#endif
