BEGIN TRANSACTION;
CREATE TABLE cases(
    subset TEXT NOT NULL, position INTEGER NOT NULL, candidate INTEGER NOT NULL, id TEXT NOT NULL, line INTEGER,
    problem TEXT NOT NULL, steps TEXT NOT NULL, facts TEXT, rewards TEXT, first_error INTEGER,
    tokens INTEGER NOT NULL, seconds REAL NOT NULL, error_kind TEXT, error_message TEXT,
    PRIMARY KEY (subset, position, candidate)
) WITHOUT ROWID;
INSERT INTO "cases" VALUES('bon',0,0,'bon-0',1,'p0','["1+1 {0.9}","\\boxed{2} {0.8}"]','{"type":"bestofn","reference":"2","answer":"2","group":0,"right":true,"how":"exact","file_answer":null,"file_group":null,"file_right":null,"file_score":null}','[0.9,0.8]',NULL,20,0.25,NULL,NULL);
INSERT INTO "cases" VALUES('bon',0,1,'bon-0',1,'p0','["1+1","\\boxed{3} {0.1}"]','{"type":"bestofn","reference":"2","answer":"3","group":1,"right":false,"how":"numeric","file_answer":null,"file_group":null,"file_right":null,"file_score":null}','[0.99,0.1]',1,20,0.25,NULL,NULL);
INSERT INTO "cases" VALUES('bon',1,0,'bon-1',2,'p1','["1+1 {0.9}","\\boxed{2} {0.8}"]','{"type":"bestofn","reference":"2","answer":"2","group":0,"right":true,"how":"exact","file_answer":null,"file_group":null,"file_right":null,"file_score":null}','[0.9,0.8]',NULL,20,0.25,NULL,NULL);
INSERT INTO "cases" VALUES('bon',1,1,'bon-1',2,'p1','["1+1","\\boxed{3} {0.1}"]','{"type":"bestofn","reference":"2","answer":"3","group":1,"right":false,"how":"numeric","file_answer":null,"file_group":null,"file_right":null,"file_score":null}','[0.99,0.1]',1,20,0.25,NULL,NULL);
INSERT INTO "cases" VALUES('bon',2,0,'bon-2',3,'p2','["1+1 {0.9}","\\boxed{2} {0.8}"]','{"type":"bestofn","reference":"2","answer":"2","group":0,"right":true,"how":"exact","file_answer":null,"file_group":null,"file_right":null,"file_score":null}','[0.9,0.8]',NULL,20,0.25,NULL,NULL);
INSERT INTO "cases" VALUES('bon',2,1,'bon-2',3,'p2','["1+1","\\boxed{3} {0.1}"]','{"type":"bestofn","reference":"2","answer":"3","group":1,"right":false,"how":"numeric","file_answer":null,"file_group":null,"file_right":null,"file_score":null}','[0.99,0.1]',1,20,0.25,NULL,NULL);
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('format','1');
INSERT INTO "meta" VALUES('manifest','{"format":1,"bench":"bestofn","name":"bestofn","card":{"schema":1,"name":"nano","title":"A fake","licence":"Apache-2.0","architecture":"Fake","context":4096,"threshold":0.5,"threshold_source":"the usual 0.5","base":"","weight_type":"","notice":"This fake is a demonstration.","template":{"before_problem":"","after_problem":"","mark":"<extra_0>"},"readout":{"kind":"mlp"},"files":null,"origin":null,"shape":null,"memory":{},"published":null},"threshold":0.5,"tuned_on":null,"data":[{"name":"bon","file":"bon.jsonl","sha256":"444d508b04ec64f9d8ac002c3defa4792d2a3bec556cd800fc39062f99b362e1","problems":3,"cases":6}],"selection":{"limit":null,"sample":null,"seed":0,"ids":[],"shard":1,"shards":1},"settings":{"n":null,"split":"auto","n_ctx":null,"n_ubatch":null,"n_gpu_layers":null},"versions":{"stepcheck":"0.1.0","python":"3.11.7","llama-cpp-python":"0.3.36","numpy":"2.4.6","math-verify":"0.9.0"},"machine":{"system":"Linux","processor":"x86_64","cores":2,"memory_gb":8.0},"command":["stepcheck","bench","bon","bon.jsonl","--run","bestofn","--format","json"],"created":"2026-11-01 12:00:00"}');
CREATE TABLE sessions(started TEXT NOT NULL, machine TEXT NOT NULL, command TEXT NOT NULL);
INSERT INTO "sessions" VALUES('2026-11-01 12:00:00','{"system":"Linux","processor":"x86_64","cores":2,"memory_gb":8.0}','stepcheck bench bon bon.jsonl --run bestofn --format json');
COMMIT;
