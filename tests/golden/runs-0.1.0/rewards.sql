BEGIN TRANSACTION;
CREATE TABLE cases(
    subset TEXT NOT NULL, position INTEGER NOT NULL, candidate INTEGER NOT NULL, id TEXT NOT NULL, line INTEGER,
    problem TEXT NOT NULL, steps TEXT NOT NULL, facts TEXT, rewards TEXT, first_error INTEGER,
    tokens INTEGER NOT NULL, seconds REAL NOT NULL, error_kind TEXT, error_message TEXT,
    PRIMARY KEY (subset, position, candidate)
) WITHOUT ROWID;
INSERT INTO "cases" VALUES('math',0,0,'m0',1,'p','["a","b {0.1}"]','{"type":"processbench","label":1,"generator":"A","answer_right":true}','[0.99,0.1]',1,20,0.25,NULL,NULL);
INSERT INTO "cases" VALUES('math',1,0,'m1',1,'p','["a","b {0.1}"]','{"type":"processbench","label":0,"generator":"A","answer_right":true}','[0.99,0.1]',1,20,0.25,NULL,NULL);
INSERT INTO "cases" VALUES('math',2,0,'m2',1,'p','["a","b"]','{"type":"processbench","label":-1,"generator":"A","answer_right":true}','[0.99,0.99]',NULL,20,0.25,NULL,NULL);
INSERT INTO "cases" VALUES('math',3,0,'m3',1,'p','["a {0.2}","b"]','{"type":"processbench","label":-1,"generator":"A","answer_right":true}','[0.2,0.99]',0,20,0.25,NULL,NULL);
INSERT INTO "cases" VALUES('math',4,0,'m4',1,'p','["a","b {0.3}"]','{"type":"processbench","label":1,"generator":"A","answer_right":true}','[0.99,0.3]',1,20,0.25,NULL,NULL);
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('format','1');
INSERT INTO "meta" VALUES('manifest','{"format":1,"bench":"processbench","name":"rewards","card":{"schema":1,"name":"nano","title":"A fake","licence":"Apache-2.0","architecture":"Fake","context":4096,"threshold":0.5,"threshold_source":"the usual 0.5","base":"","weight_type":"","notice":"This fake is a demonstration.","template":{"before_problem":"","after_problem":"","mark":"<extra_0>"},"readout":{"kind":"mlp"},"files":null,"origin":null,"shape":null,"memory":{},"published":null},"threshold":0.5,"tuned_on":null,"data":[{"name":"math","file":"math.json","sha256":"ff9c25b9a25f5924eb37aa96db4123a83c0bf695c40295375aa383274c231842","problems":5,"cases":5}],"selection":{"limit":null,"sample":null,"seed":0,"ids":[],"shard":1,"shards":1},"settings":{"n_ctx":null,"n_ubatch":null,"n_gpu_layers":null},"versions":{"stepcheck":"0.1.0","python":"3.11.7","llama-cpp-python":"0.3.36","numpy":"2.4.6","math-verify":"0.9.0"},"machine":{"system":"Linux","processor":"x86_64","cores":2,"memory_gb":8.0},"command":["stepcheck","bench","processbench","--data","math.json","--run","rewards","--format","json"],"created":"2026-11-01 12:00:00"}');
CREATE TABLE sessions(started TEXT NOT NULL, machine TEXT NOT NULL, command TEXT NOT NULL);
INSERT INTO "sessions" VALUES('2026-11-01 12:00:00','{"system":"Linux","processor":"x86_64","cores":2,"memory_gb":8.0}','stepcheck bench processbench --data math.json --run rewards --format json');
COMMIT;
