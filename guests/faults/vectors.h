/* Vectors: the exceptions of SDM vol. 3, table 6-1, and four of our own. */
#pragma once

#define VECTOR_DE 0
#define VECTOR_DB 1
#define VECTOR_NMI 2
#define VECTOR_BP 3
#define VECTOR_OF 4
#define VECTOR_BR 5
#define VECTOR_UD 6
#define VECTOR_NM 7
#define VECTOR_DF 8
#define VECTOR_TS 10
#define VECTOR_NP 11
#define VECTOR_SS 12
#define VECTOR_GP 13
#define VECTOR_PF 14
#define VECTOR_MF 16
#define VECTOR_AC 17
#define VECTOR_XM 19

#define VECTOR_USER_RETURN 0x80  /* ring 3 gives back control */
#define VECTOR_ABSENT 0x81       /* its gate is not present */
#define VECTOR_LAST_STACK 0x82   /* its gate asks for IST7 */
#define VECTOR_BEYOND_LIMIT 0xff /* cut off by a short table */
