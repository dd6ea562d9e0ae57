-- A database as schema 5 left it, every field of every kept type filled. Never to be changed: what is in it must load for ever.
PRAGMA user_version=5;
BEGIN TRANSACTION;
CREATE TABLE damaged (id INTEGER PRIMARY KEY, source TEXT NOT NULL, row TEXT NOT NULL);
CREATE TABLE dead (id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, body TEXT NOT NULL, reason TEXT NOT NULL, crc INTEGER);
INSERT INTO "dead" VALUES(2,'m-2','["Updated","tx-1",1,[1700000005.0,false,17.5,"boot-1"],"MeterValuePeriodic",1,2,"Charging",1234.5,[[1700000005.0,"Sample.Periodic",[["Energy.Active.Import.Register",1234.5,"Wh",null,"Outlet"],["Current.Import",15.5,"A","L1","Inlet"]]]],null,["04A1B2C3D4E5F6","ISO14443"],null,null,false,null,null,null]','InternalError: no',NULL);
CREATE TABLE listed (key TEXT PRIMARY KEY, entry TEXT NOT NULL, crc INTEGER) WITHOUT ROWID;
INSERT INTO "listed" VALUES('04A1B2C3D4E5F6','["Accepted",1800000000.0,"group-1","de","Hallo",[1,2]]',-787274150);
INSERT INTO "listed" VALUES('KeyCode:1234','["Blocked"]',-880092238);
CREATE TABLE record (id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, body TEXT NOT NULL, crc INTEGER);
INSERT INTO "record" VALUES(1,'m-1','["Started","tx-1",0,[1700000000.0,true,12.5,"boot-1"],"CablePluggedIn",1,2,"EVConnected",1200.0,[],["04A1B2C3D4E5F6","ISO14443"],["04A1B2C3D4E5F6","ISO14443"],77,null,false,8,3,32.0]',NULL);
INSERT INTO "record" VALUES(2,'m-2','["Updated","tx-1",1,[1700000005.0,false,17.5,"boot-1"],"MeterValuePeriodic",1,2,"Charging",1234.5,[[1700000005.0,"Sample.Periodic",[["Energy.Active.Import.Register",1234.5,"Wh",null,"Outlet"],["Current.Import",15.5,"A","L1","Inlet"]]]],null,["04A1B2C3D4E5F6","ISO14443"],null,null,false,null,null,null]',NULL);
INSERT INTO "record" VALUES(3,'m-3','["Ended","tx-1",2,[1700000009.0,true,0.0,""],"StopAuthorized",1,2,"Idle",1300.0,[[1700000005.0,"Sample.Periodic",[["Energy.Active.Import.Register",1234.5,"Wh",null,"Outlet"],["Current.Import",15.5,"A","L1","Inlet"]]]],["04A1B2C3D4E5F6","ISO14443"],["04A1B2C3D4E5F6","ISO14443"],null,"Local",true,null,null,null]',458330283);
INSERT INTO "record" VALUES(4,'m-4','["Updated","tx-é",9,[1700000005.0,false,17.5,"boot-1"],"MeterValuePeriodic",1,2,"Charging",1234.5,[[1700000005.0,"Sample.Periodic",[["Energy.Active.Import.Register",1234.5,"Wh",null,"Outlet"],["Current.Import",15.5,"A","L1","Inlet"]]]],null,["04A1B2C3D4E5F6","ISO14443"],null,null,false,null,null,null]',1250268751);
CREATE TABLE security (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, at REAL NOT NULL, info TEXT NOT NULL, message_id TEXT NOT NULL
, crc INTEGER);
INSERT INTO "security" VALUES(7,'StartupOfTheDevice',1700000000.5,'PowerUp','',-1822759435);
INSERT INTO "security" VALUES(8,'InvalidCsmsCertificate',1700000001.5,'expired','m-5',-2114113241);
CREATE TABLE session (evse_id INTEGER PRIMARY KEY, body TEXT NOT NULL, crc INTEGER);
INSERT INTO "session" VALUES(1,'[2,["04A1B2C3D4E5F6","ISO14443"],"group-1",true,true,79,["tx-2",1,1700000100.0,4,"SuspendedEV",["04A1B2C3D4E5F6","ISO14443"],true,1300.0,1350.5,78,true,["StopAuthorized","Local",["04A1B2C3D4E5F6","ISO14443"]],[[1700000005.0,"Sample.Periodic",[["Energy.Active.Import.Register",1234.5,"Wh",null,"Outlet"],["Current.Import",15.5,"A","L1","Inlet"]]]]],true,true]',-1230342867);
INSERT INTO "session" VALUES(2,'[1,null,null,false,false,null,null,false,false]',-340181729);
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER) WITHOUT ROWID;
INSERT INTO "state" VALUES('availability','{"station":true,"evses":{"1":false}}',732021147);
INSERT INTO "state" VALUES('boot_reason','"RemoteReset"',1849023728);
INSERT INTO "state" VALUES('local_list','7',1525851497);
INSERT INTO "state" VALUES('reference/tx-1','4711',1099862105);
INSERT INTO "state" VALUES('settled','2',-105352632);
CREATE TABLE token (key TEXT PRIMARY KEY, kind TEXT NOT NULL, info TEXT NOT NULL, stored_at REAL NOT NULL, added_at REAL NOT NULL DEFAULT 0, used_at REAL NOT NULL DEFAULT 0, uses INTEGER NOT NULL DEFAULT 0, crc INTEGER) WITHOUT ROWID;
INSERT INTO "token" VALUES('04A1B2C3D4E5F6','ISO14443','["Accepted",1800000000.0,"group-1","de","Hallo"]',1700000001.5,1690000000.0,1700000003.5,17,835998452);
INSERT INTO "token" VALUES('FF','Local','["Blocked",null,null,null,null]',1700000002.0,0.0,0.0,0,-1887736489);
CREATE TABLE variable (name TEXT PRIMARY KEY, value TEXT NOT NULL, crc INTEGER) WITHOUT ROWID;
INSERT INTO "variable" VALUES('AuthCtrlr.Enabled','false',-1862820617);
CREATE TRIGGER dead_changed AFTER UPDATE OF body ON dead WHEN new.crc IS old.crc
BEGIN UPDATE dead SET crc = NULL WHERE id = new.id; END;
COMMIT;
