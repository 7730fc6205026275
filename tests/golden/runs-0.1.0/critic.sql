BEGIN TRANSACTION;
CREATE TABLE cases(
    subset TEXT NOT NULL, position INTEGER NOT NULL, candidate INTEGER NOT NULL, id TEXT NOT NULL, line INTEGER,
    problem TEXT NOT NULL, steps TEXT NOT NULL, facts TEXT, rewards TEXT, first_error INTEGER,
    tokens INTEGER NOT NULL, seconds REAL NOT NULL, error_kind TEXT, error_message TEXT,
    PRIMARY KEY (subset, position, candidate)
) WITHOUT ROWID;
INSERT INTO "cases" VALUES('math',0,0,'m0',1,'p','["a","b {0.1}"]','{"type":"processbench","label":1,"generator":"A","answer_right":true}','[1.0,0.0]',1,1,4.14391799995428300462e-03,NULL,NULL);
INSERT INTO "cases" VALUES('math',1,0,'m1',1,'p','["a","b {0.1}"]','{"type":"processbench","label":0,"generator":"A","answer_right":true}','[1.0,0.0]',1,1,1.46553100000801350688e-03,NULL,NULL);
INSERT INTO "cases" VALUES('math',2,0,'m2',1,'p','["a","b"]','{"type":"processbench","label":-1,"generator":"A","answer_right":true}','[1.0,1.0]',NULL,1,2.35831999998481478542e-03,NULL,NULL);
INSERT INTO "cases" VALUES('math',3,0,'m3',1,'p','["a {0.2}","b"]','{"type":"processbench","label":-1,"generator":"A","answer_right":true}','[0.0,0.0]',0,1,0.00098855100009132,NULL,NULL);
INSERT INTO "cases" VALUES('math',4,0,'m4',1,'p','["a","b {0.3}"]','{"type":"processbench","label":1,"generator":"A","answer_right":true}',NULL,NULL,0,0.0,'no_verdict','the critic named no step: no \boxed{index} that counts in its words');
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('format','1');
INSERT INTO "meta" VALUES('manifest','{"format":1,"bench":"processbench","name":"critic","card":{"schema":1,"name":"a-model","title":"a-model as a critic: 1 votes, temperature 0, top-p 1, top-k 0, 4096 tokens, seed 0","licence":"that of the model","architecture":"","context":1,"threshold":0.5,"threshold_source":"none: a critic names the first wrong step","base":"","weight_type":"","notice":"","template":{"before_problem":"","after_problem":"","read_at":"end"},"readout":{"kind":"critic","activation":"none"},"files":null,"origin":null,"shape":null,"memory":{},"published":null},"threshold":0.5,"tuned_on":null,"data":[{"name":"math","file":"math.json","sha256":"ff9c25b9a25f5924eb37aa96db4123a83c0bf695c40295375aa383274c231842","problems":5,"cases":5}],"selection":{"limit":null,"sample":null,"seed":0,"ids":[],"shard":1,"shards":1},"settings":{"n_ctx":null,"n_ubatch":null,"n_gpu_layers":null},"versions":{"stepcheck":"0.1.0","python":"3.11.7","llama-cpp-python":"0.3.36","numpy":"2.4.6","math-verify":"0.9.0"},"machine":{"system":"Linux","processor":"x86_64","cores":2,"memory_gb":8.0},"command":["stepcheck","bench","processbench","--critic","http://127.0.0.1:8080/v1"],"created":"2026-11-01 12:00:00"}');
CREATE TABLE sessions(started TEXT NOT NULL, machine TEXT NOT NULL, command TEXT NOT NULL);
INSERT INTO "sessions" VALUES('2026-11-01 12:00:00','{"system":"Linux","processor":"x86_64","cores":2,"memory_gb":8.0}','stepcheck bench processbench --critic http://127.0.0.1:8080/v1');
COMMIT;
